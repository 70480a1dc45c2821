"""Drills on several machines, which are network namespaces of this one. `uv run python -m tests.faults.cluster`."""
