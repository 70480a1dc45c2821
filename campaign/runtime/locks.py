"""Advisory locks of PostgreSQL: all numbers, and how to take one.

A session lock ends with its `with` block, or with the connection, however the process ends. It needs a connection of
its own to PostgreSQL: through PgBouncer in transaction mode it would stay behind in the pool.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum, unique

from django.db import connection


@unique
class AdvisoryLock(IntEnum):
    """What each lock is held for. A lock with a key, such as the number of a delivery, is one lock for each key."""

    FOLD_COUNT_DELTAS = 720_130_507
    WRITE_MIRROR = 720_130_508
    MIGRATE = 720_130_509  # machines that start at once migrate one after the other
    IMPORT_PAPER = 720_130_510  # key: the letter
    FREEZE_DELIVERY = 720_130_511
    BUILD_DELIVERY = 720_130_512  # key: the delivery
    SEND_TO_MAILBOX = 720_130_513  # key: a part of the digest of the mailbox
    COUNT_STRANGERS_ENTRIES = 720_130_514
    MAILBOX_PLACES = 720_130_515  # key: a part of the hash of the address


@contextmanager
def session_lock(lock: AdvisoryLock, key: int = 0, *, wait: bool = True) -> Iterator[bool]:
    """Holds the lock during the block.

    Yields True; or, with `wait=False` while another session holds the lock, False.
    """
    is_held = _take("pg_advisory_lock" if wait else "pg_try_advisory_lock", lock, key)
    try:
        yield is_held
    finally:
        if is_held:
            _take("pg_advisory_unlock", lock, key)


def transaction_lock(lock: AdvisoryLock, key: int = 0, *, wait: bool = True) -> bool:
    """Takes the lock until the transaction ends.

    Returns True; or, with `wait=False` while another session holds the lock, False.
    """
    return _take("pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock", lock, key)


def _take(function: str, lock: AdvisoryLock, key: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [lock, key])
        return cursor.fetchone()[0] is not False  # a function that waits returns void
