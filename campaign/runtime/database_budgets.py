"""How long each kind of process and thread may wait for the database: its *budget* (threat model O16).

It sets `statement_timeout`, `lock_timeout` and `idle_in_transaction_session_timeout` of its connections.
"""

import contextlib
import threading
from collections.abc import Iterator
from typing import NamedTuple

from django.conf import settings

from campaign.runtime import session_limits


class Budget(NamedTuple):
    """Time limits of the server for one process or thread, in seconds; 0 is none.

    Attributes:
        statement: for one statement.
        lock: for a lock that another transaction holds.
        idle: for a transaction in which nothing happens.
        is_watched: whether a thread looks after its waits. Not in a process that forks, as `serve` does.
        gives_up: whether its waits are cut when the server hangs.
    """

    statement: int = 0
    lock: int = 0
    idle: int = 0
    is_watched: bool = False
    gives_up: bool = False

    @property
    def limits(self) -> dict[str, int]:
        """The limits in seconds, by the name of PostgreSQL's parameter."""
        seconds = dict(zip(session_limits.TIMEOUTS, (self.statement, self.lock, self.idle), strict=True))
        if self.gives_up:
            seconds["client_connection_check_interval"] = 1  # ends the statement of a wait that was cut
        return {name: limit for name, limit in seconds.items() if limit}

    @property
    def options(self) -> str:
        """The options of a connection."""
        return " ".join(f"-c {name}={seconds}s" for name, seconds in self.limits.items())


COMMAND = Budget(statement=6 * 3600, lock=60, idle=6 * 3600)  # an operator is patient, but nothing waits without end
# Whoever reads a table queues behind a migration that waits for it. So it gives up soon, and is tried again.
MIGRATION = Budget(statement=6 * 3600, lock=1, idle=3600)
WORKER = Budget(statement=3600, lock=60, idle=3600, is_watched=True)
STAFF = Budget(statement=300, lock=10, idle=600, is_watched=True, gives_up=True)  # an export of millions takes its time


def public() -> Budget:
    """Returns the budget of public pages."""
    statement, lock = settings.DATABASE_STATEMENT_SECONDS, settings.DATABASE_LOCK_SECONDS
    return Budget(statement, lock, idle=10, is_watched=True, gives_up=True)


_process = COMMAND
_thread = threading.local()


def use(budget: Budget) -> None:
    """Set the budget of this process: of all connections from now on, in threads without a budget of their own."""
    global _process  # noqa: PLW0603  a process says once what it is
    _process = budget


def use_in_thread(budget: Budget) -> None:
    """Set the budget of this thread."""
    _thread.budget = budget


@contextlib.contextmanager
def used_in_block(budget: Budget) -> Iterator[None]:
    """Set the budget of this thread for a block."""
    before = current()
    use_in_thread(budget)
    try:
        yield
    finally:
        use_in_thread(before)


def current() -> Budget:
    """Returns the budget of this thread."""
    return getattr(_thread, "budget", _process)
