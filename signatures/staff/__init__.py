"""Accounts of staff: roles, sessions, the second factor, the admin site."""
