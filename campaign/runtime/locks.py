"""Advisory locks of PostgreSQL: all numbers, and how to take one.

Each is held by a transaction, and ends with it, however the process ends. So it works through PgBouncer in transaction
mode too, which gives each transaction another session (threat model O17).
"""

import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from enum import IntEnum, unique

from django.db import DatabaseError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from campaign.runtime import database_waits

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1


@unique
class AdvisoryLock(IntEnum):
    """What each lock is held for. A lock with a key, such as the number of a delivery, is one lock for each key."""

    FOLD_COUNT_DELTAS = 720_130_507
    WRITE_MIRROR = 720_130_508
    MIGRATE = 720_130_509  # machines migrate one after the other
    IMPORT_PAPER = 720_130_510  # key: the letter
    FREEZE_DELIVERY = 720_130_511
    BUILD_DELIVERY = 720_130_512  # key: the delivery
    SEND_TO_MAILBOX = 720_130_513  # key: a part of the digest of the mailbox
    COUNT_STRANGERS_ENTRIES = 720_130_514
    MAILBOX_PLACES = 720_130_515  # key: a part of the hash of the address
    MAKE_SIGNATURES = 720_130_516
    OWNERS = 720_130_518  # nobody takes the last owner away while another one goes
    # Shared by all who delete signatures. A delivery is committed while nobody does: see `delivery.errata`.
    DELETE_SIGNATURES = 720_130_519
    FIRST_START = 720_130_517  # one machine loads the letter and makes the first account


@contextmanager
def block_lock(lock: AdvisoryLock, key: int = 0, *, seconds: float = 0) -> Iterator[bool]:
    """Holds the lock during a block that has transactions of its own, by a transaction on another connection.

    Yields True; or, without `seconds` to wait while somebody else holds the lock, False.

    Raises:
        OperationalError: somebody else has held the lock for so many seconds.
    """
    with closing(connection.copy()) as holder:
        holder.set_autocommit(False)
        is_held = _wait_for(holder, lock, key, seconds)
        if is_held:
            with holder.cursor() as cursor:
                cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")  # the block has no limit
        try:
            yield is_held
        finally:
            with suppress(DatabaseError):  # a lost connection holds no lock
                holder.rollback()


def transaction_lock(lock: AdvisoryLock, key: int = 0, *, wait: bool = True) -> bool:
    """Takes the lock until the transaction ends. A wait ends as that for a row does: `campaign.runtime.database_waits`.

    Returns True; or, with `wait=False` while another session holds the lock, False.
    """
    return _take(connection, "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock", lock, key)


def shared_transaction_lock(lock: AdvisoryLock) -> None:
    """Takes the lock until the transaction ends, together with others who share it: nobody has it alone meanwhile."""
    _take(connection, "pg_advisory_xact_lock_shared", lock, 0)


def _wait_for(holder: BaseDatabaseWrapper, lock: AdvisoryLock, key: int, seconds: float) -> bool:
    begun, is_logged = time.monotonic(), False
    while not _take(holder, "pg_try_advisory_xact_lock", lock, key):
        holder.rollback()  # whoever waits occupies no session of a pool
        waited = time.monotonic() - begun
        if not seconds:
            return False
        if waited > seconds:
            raise OperationalError(f"the lock {lock.name} was held by somebody else for {seconds:.0f} seconds")
        if waited > database_waits.LOG_SECONDS and not is_logged:
            log.warning("the lock %s is held by somebody else; this process waits for it", lock.name)
            is_logged = True
        time.sleep(POLL_SECONDS)
    return True


def _take(session: BaseDatabaseWrapper, function: str, lock: AdvisoryLock, key: int) -> bool:
    with session.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [lock, key])
        return cursor.fetchone()[0] is not False  # a function that waits returns void
