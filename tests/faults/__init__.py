"""Faults and attacks, tried on purpose; run by hand. CONTRIBUTING.md says how."""
