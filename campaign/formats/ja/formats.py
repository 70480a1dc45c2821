"""Japanese: Django sets no space between day and time."""

DATETIME_FORMAT = "Y年n月j日 G:i"
