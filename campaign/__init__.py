"""The site and its letters."""

VERSION = "0.9.0"  # that of pyproject.toml, which is not in the image
