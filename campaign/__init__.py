"""The letter, and the wiring of the site."""
