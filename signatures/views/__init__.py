"""The public pages: the letter with its form, the personal page, the list, the figures."""
