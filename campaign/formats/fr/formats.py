"""French: Django sets no word between day and time."""

DATETIME_FORMAT = r"j F Y à H:i"
