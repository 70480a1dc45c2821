"""The public pages as static files."""
