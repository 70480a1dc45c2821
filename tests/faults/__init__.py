"""Faults and attacks, tried on purpose, and run by hand; see the tests page of the docs."""
