"""The admin pages of delivery officers."""
