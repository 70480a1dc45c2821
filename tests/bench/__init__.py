"""The benches: `uv run python -m tests.bench`."""
