"""Template tags of the site and of letters."""
