"""Signals to processes that were found a moment ago, of which one may have ended since."""

import contextlib
import os
import signal
from collections.abc import Iterable


def send(what: signal.Signals, to: Iterable[int]) -> None:
    """Sends a signal to each of these processes that is still there."""
    for number in to:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, what)
