"""Pure functions on names, email addresses, tokens and patterns. No database."""
