"""Waiting for what another thread or process does, however slow the machine is."""

import time
from collections.abc import Callable

from django.db import connection


def wait_until(is_done: Callable[[], object], seconds: float) -> float:
    """Returns how many seconds it took."""
    began = time.monotonic()
    while not is_done():
        assert time.monotonic() - began < seconds, "it took too long"
        time.sleep(0.01)
    return time.monotonic() - began


def blocks_another() -> bool:
    """Returns whether another session waits for a lock of this one. `pg_stat_activity` stays as it is in a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))")
        return cursor.fetchone() is not None
