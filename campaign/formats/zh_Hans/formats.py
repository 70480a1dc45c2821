"""Simplified Chinese: Django sets no thousand separator, and counts of signatures are long."""

THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
