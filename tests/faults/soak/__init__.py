"""A large letter under long mixed traffic. `uv run python -m tests.faults.soak`."""
