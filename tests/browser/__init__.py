"""Stories told in a real browser against the served site."""
