"""The site and its letters."""
