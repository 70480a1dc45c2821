"""Traditional Chinese: Django parts no thousands, and our figures are long."""

THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
