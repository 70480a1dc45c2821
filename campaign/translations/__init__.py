"""Catalogs of translated strings, kept without gettext (a development tool)."""
