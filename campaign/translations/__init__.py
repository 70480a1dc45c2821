"""Translation catalogs, maintained without GNU gettext (a development tool)."""
