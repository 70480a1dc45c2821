"""Mutants: faults that are put into the code one at a time, to check that a test fails for each."""
