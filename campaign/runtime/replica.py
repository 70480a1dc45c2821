"""Reads that the streaming replica of REPLICA_URL serves while it is close behind: nothing that decides anything.

What may be read there says `connections[alias()]` or `.using(alias())`, in a function marked with `reads_replica`.
Everywhere else, and while the replica is away or behind, the alias is that of the primary.
"""

import functools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar

from django.db import DEFAULT_DB_ALIAS, OperationalError, ProgrammingError, connections

log = logging.getLogger(__name__)

REPLICA = "replica"  # name in DATABASES
MAX_LAG_SECONDS = 5.0
CHECK_SECONDS = 1.0  # between two looks at the lag, by one thread of each process
PAUSE_SECONDS = 5.0  # between two tries while it is away
_POSITION = "SELECT pg_current_wal_lsn() - '0/0'"
_REPLAYED = "SELECT pg_last_wal_replay_lsn() - '0/0'"  # nothing where the server is no replica

_alias = ContextVar("alias", default=DEFAULT_DB_ALIAS)


def alias() -> str:
    """Returns the name of the database to read from."""
    return _alias.get()


class _Lag:
    """How far the replica is behind, without a comparison of clocks.

    The position of the primary is noted again and again. What the replica shows is as old as the newest of these notes
    whose position it has passed, or newer. A replica that is cut off from its primary grows old like this, too.
    """

    def __init__(self) -> None:
        self._checking = threading.Lock()
        self._check_at = 0.0  # monotonic seconds
        self._notes: deque[tuple[float, int]] = deque(maxlen=30)  # moments and positions that it has not passed
        self._shows = -MAX_LAG_SECONDS  # monotonic seconds: the moment of the primary that it shows
        self._is_used = False

    def is_small(self) -> bool:
        """Returns whether the replica may be read. Asks both servers if the last answer is old."""
        if time.monotonic() >= self._check_at and self._checking.acquire(blocking=False):
            try:
                self._check()
            except OperationalError:
                self.note_away()
            finally:
                self._checking.release()
        return self._is_used and time.monotonic() - self._shows < MAX_LAG_SECONDS

    def note_away(self) -> None:
        self._check_at = time.monotonic() + PAUSE_SECONDS
        self._use(is_used=False)

    def _check(self) -> None:
        self._check_at = time.monotonic() + CHECK_SECONDS
        self._notes.append((time.monotonic(), _ask(DEFAULT_DB_ALIAS, _POSITION) or 0))
        replayed = _ask(REPLICA, _REPLAYED) or -1
        while self._notes and self._notes[0][1] <= replayed:
            self._shows = self._notes.popleft()[0]
        self._use(is_used=time.monotonic() - self._shows < MAX_LAG_SECONDS)

    def _use(self, *, is_used: bool) -> None:
        if is_used != self._is_used:
            source = "replica" if is_used else "primary: the replica is away or behind"
            log.warning("lists are read from the %s", source)
        self._is_used = is_used


_lag = _Lag()


def _ask(name: str, question: str) -> int | None:
    with connections[name].cursor() as cursor:
        cursor.execute(question)
        (number,) = cursor.fetchone()
    return None if number is None else int(number)


def reads_replica[**Arguments, Result](function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Marks a function that may read from the replica. It is called again with the primary if the replica fails."""

    @functools.wraps(function)
    def call(*arguments: Arguments.args, **more: Arguments.kwargs) -> Result:
        if REPLICA in connections.settings and _lag.is_small():
            token = _alias.set(REPLICA)
            try:
                return function(*arguments, **more)
            except OperationalError:
                _lag.note_away()
            except ProgrammingError:  # a migration of the primary has not reached it
                pass
            finally:
                _alias.reset(token)
        return function(*arguments, **more)

    return call
