"""How long a process waits for the database (threat model O16).

A server that works ends each wait by itself: the *budget* of a process sets its `statement_timeout`, `lock_timeout` and
`idle_in_transaction_session_timeout`. A server that hangs does not. So in a process whose budget is watched, a thread
looks after the waits of all others. When one takes long, it asks the server for a sign of life; without one the
database counts as *away*: waits are cut, and new ones fail at once, until the server answers again. Where the address
names several servers, one that does not answer while another does was *replaced*: all waits for it are cut, its kept
connections are left, and new ones try the others first. A wait of which another transaction is the reason is logged.
"""

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, NamedTuple

import psycopg2
from django.conf import settings
from psycopg2 import errors, extensions

from campaign.runtime import signs_of_life

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1  # between two looks at the waits
SUSPICIOUS_SECONDS = 0.5  # a longer wait makes the watching thread ask the server for a sign of life
PAUSE_SECONDS = 0.5  # between two questions
LOG_SECONDS = 5.0  # after which a wait for a lock is logged


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
    def options(self) -> str:
        """The options of a connection."""
        limits = {
            "statement_timeout": self.statement,
            "lock_timeout": self.lock,
            "idle_in_transaction_session_timeout": self.idle,
        }
        if self.gives_up:
            limits["client_connection_check_interval"] = 1  # ends the statement of a wait that was cut
        return " ".join(f"-c {name}={seconds}s" for name, seconds in limits.items() if seconds)


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
    before = _budget()
    use_in_thread(budget)
    try:
        yield
    finally:
        use_in_thread(before)


def _budget() -> Budget:
    return getattr(_thread, "budget", _process)


class _Wait:
    """A block in which this thread waits for the server. Raises OperationalError at once while that is away."""

    __slots__ = ("connection",)

    def __init__(self, connection: "Connection") -> None:
        self.connection = connection

    def __enter__(self) -> None:
        if self.connection.budget.is_watched:
            self.connection.watch.begin(self.connection)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.connection.budget.is_watched:
            self.connection.watch.end(self.connection)
        if isinstance(error, errors.ReadOnlySqlTransaction):
            self.connection.close()  # the server was a primary: the next connection finds the one that is it now
            raise psycopg2.OperationalError("the server takes no writes any more") from error


class Connection(extensions.connection):  # type: ignore[misc]  # psycopg2 comes without types
    """A connection with the budget of the thread that opens it."""

    def __init__(self, dsn: str, *arguments: Any, **more: Any) -> None:
        self.budget = _budget()
        self.waiting_since = 0.0
        self.server: signs_of_life.Server | None = None  # while it connects, which tries one after another
        self.is_logged = False
        parts = extensions.parse_dsn(dsn)
        # A pooler may have the primary and a replica behind one address.
        self.watch = _watches.setdefault(tuple(parts.get(name) for name in ("host", "port", "dbname")), _Watch())
        given = parts.get("options", "")  # by the operator in DATABASE_URL: the later one counts
        options = f"{self.budget.options} {given}".strip()
        writes = parts.get("target_session_attrs") in {"read-write", "primary"}
        self.may_be_replaced = writes and "," in parts.get("host", "")
        if self.may_be_replaced and self.watch.replaced:
            dsn = signs_of_life.with_last(dsn, self.watch.replaced)
        self.full_dsn = extensions.make_dsn(dsn, options=options) if options else dsn
        with _Wait(self):
            super().__init__(self.full_dsn, *arguments, **more)
        self.server = (self.info.host or "", self.info.port)
        self.watch.replaced.discard(self.server)

    @property
    def is_replaced(self) -> bool:
        """Whether its server did not answer while another one did."""
        return self.server in self.watch.replaced

    def commit(self) -> None:
        with _Wait(self):
            super().commit()

    def rollback(self) -> None:
        with _Wait(self):
            super().rollback()

    def cut(self) -> None:
        """End the wait of another thread: it finds the connection closed by the server."""
        with contextlib.suppress(OSError, psycopg2.Error), socket.socket(fileno=os.dup(self.fileno())) as shared:
            shared.shutdown(socket.SHUT_RDWR)


class Cursor(extensions.cursor):  # type: ignore[misc]  # the same
    """A cursor whose calls that wait for the server are watched."""

    connection: Connection

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002  psycopg2 calls it that
        with _Wait(self.connection):
            super().execute(query, vars)

    def executemany(self, query: Any, vars_list: Sequence[Any]) -> None:
        with _Wait(self.connection):
            super().executemany(query, vars_list)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        with _Wait(self.connection):
            super().copy_expert(sql, file, size)

    def fetchmany(self, *size: int) -> Any:
        if self.name is None:  # all rows are here
            return super().fetchmany(*size)
        with _Wait(self.connection):
            return super().fetchmany(*size)


class _Watch:
    """The waits of this process for one address, whether that is away, and which of its servers were replaced."""

    def __init__(self) -> None:
        self.replaced: set[signs_of_life.Server] = set()
        self._waits: dict[int, Connection] = {}  # by thread
        self._last: Connection | None = None
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_away = False
        self._asked = 0.0  # monotonic seconds of the last question

    def begin(self, connection: Connection) -> None:
        if self._is_away and connection.budget.gives_up:
            raise psycopg2.OperationalError("the database does not answer")
        if connection.is_replaced:
            raise psycopg2.OperationalError("another server answers in place of this one")
        if self._thread is None:
            self._start_watching()
        connection.waiting_since, connection.is_logged = time.monotonic(), False
        self._waits[threading.get_ident()] = connection

    def end(self, connection: Connection) -> None:
        self._waits.pop(threading.get_ident(), None)

    def _start_watching(self) -> None:
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="database-waits", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            try:
                self._look()
            except Exception:  # nobody starts this thread again
                log.exception("looking after the waits for the database failed")

    def _look(self) -> None:
        waits = list(self._waits.values())
        self._look_for_life([wait for wait in waits if wait.budget.gives_up or wait.may_be_replaced])
        if not self._is_away:
            _log_blocked(waits)

    def _look_for_life(self, waits: Sequence[Connection]) -> None:
        """Ask the server for a sign of life if it is away, or somebody waits long."""
        now = time.monotonic()
        self._last = next((wait for wait in waits if now - wait.waiting_since > SUSPICIOUS_SECONDS), self._last)
        is_suspicious = self._is_away or any(now - wait.waiting_since > SUSPICIOUS_SECONDS for wait in waits)
        if self._last is None or not is_suspicious or now - self._asked < PAUSE_SECONDS:
            return
        answers = signs_of_life.answers(self._last.full_dsn)
        was_away, self._is_away = self._is_away, not signs_of_life.shows_life(answers)
        if self._last.may_be_replaced:
            self.replaced |= signs_of_life.replaced(answers)
        self._asked = time.monotonic()
        for wait in list(self._waits.values()):
            if wait.is_replaced or (self._is_away and wait.budget.gives_up):
                wait.cut()
        if self._is_away != was_away:
            log.error("the database %s", "does not answer" if self._is_away else "answers again")


_watches: dict[tuple[str | None, ...], _Watch] = {}  # by host, port and database: the primary, and a replica


def _log_blocked(waits: Sequence[Connection]) -> None:
    """Log each wait that has long been for a lock of another transaction, once."""
    now = time.monotonic()
    for wait in waits:
        if wait.is_logged or now - wait.waiting_since < LOG_SECONDS:
            continue
        wait.is_logged = True
        with contextlib.suppress(psycopg2.Error):
            if holders := signs_of_life.ask(
                wait.full_dsn, "SELECT unnest(pg_blocking_pids(%s))", wait.get_backend_pid()
            ):
                numbers = ", ".join(str(number) for (number,) in holders)
                log.warning("a statement waits for a lock that PostgreSQL's process %s holds", numbers)
