"""Waiting for what another thread or process does, however slow the machine is."""

import time
from collections.abc import Callable


def wait_until(is_done: Callable[[], object], seconds: float) -> float:
    """Returns how many seconds it took."""
    began = time.monotonic()
    while not is_done():
        assert time.monotonic() - began < seconds, "it took too long"
        time.sleep(0.01)
    return time.monotonic() - began
