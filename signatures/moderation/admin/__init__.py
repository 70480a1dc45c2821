"""The admin pages of moderators."""
