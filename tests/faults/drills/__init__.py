"""Drills: faults of a running site, each with a control that must fail. `uv run python -m tests.faults.drills`."""
