"""The tests: a file for each thing that people do here."""
