"""Arabic: Django has no grouping of digits and no format of day with time."""

DATETIME_FORMAT = "j F Y، g:i A"
THOUSAND_SEPARATOR = ","
DECIMAL_SEPARATOR = "."
NUMBER_GROUPING = 3
