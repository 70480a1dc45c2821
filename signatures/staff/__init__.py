"""Staff: accounts, roles, sessions, second factor, the admin site."""
