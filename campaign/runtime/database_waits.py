"""How long a process waits for the database (threat model O16).

A server that works ends each wait by itself, by the limits of a process (`database_budgets`). A server that hangs does
not. So in a process whose budget is watched, a thread looks after the waits of all others. When one takes long, it asks
the server for a sign of life; without one the database counts as *away*: waits are cut, and new ones fail at once,
until the server answers again. Where the address names several servers, one that does not answer while another does was
*replaced*: all waits for it are cut, its kept connections are left, and new ones try the others first. A wait of which
another transaction is the reason is logged.
"""

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

import psycopg2
from psycopg2 import errors, extensions

from campaign.runtime import database_budgets, session_limits, signs_of_life

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1  # between two looks at the waits
SUSPICIOUS_SECONDS = 0.5  # a longer wait makes the watching thread ask the server for a sign of life
OUTSIDE = {extensions.TRANSACTION_STATUS_IDLE, extensions.TRANSACTION_STATUS_UNKNOWN}  # of a transaction
PAUSE_SECONDS = 0.5  # between two questions
LOG_SECONDS = 5.0  # after which a wait for a lock is logged


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
        self.budget = database_budgets.current()
        self.waiting_since = 0.0
        self.server: signs_of_life.Server | None = None  # while it connects, which tries one after another
        self.is_logged = False
        self.limits = ""  # statements before the first one of each transaction, where a pooler lends the sessions
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
        with _Wait(self):
            self.limits = session_limits.to_set(self, self.budget.limits)

    @property
    def is_replaced(self) -> bool:
        """Whether its server did not answer while another one did."""
        return self.server in self.watch.replaced

    @property
    def is_in_transaction(self) -> bool:
        """Whether the server holds a transaction open, as far as it has said.

        `status` is what psycopg2 believes: that a transaction ends with COMMIT, even if the server ended the COMMIT.
        """
        return not self.closed and self.info.transaction_status not in OUTSIDE

    def commit(self) -> None:
        with _Wait(self), self._ending():
            super().commit()

    def rollback(self) -> None:
        with _Wait(self), self._ending():
            super().rollback()

    @contextlib.contextmanager
    def _ending(self) -> Iterator[None]:
        """A block that ends the transaction. If the server does not, the connection is closed, and that ends it."""
        try:
            yield
        finally:
            if self.is_in_transaction:
                self.close()

    def cut(self) -> None:
        """End the wait of another thread: it finds the connection closed by the server."""
        with contextlib.suppress(OSError, psycopg2.Error), socket.socket(fileno=os.dup(self.fileno())) as shared:
            shared.shutdown(socket.SHUT_RDWR)


class Cursor(extensions.cursor):  # type: ignore[misc]  # the same
    """A cursor whose calls that wait for the server are watched, and keep the limits of its connection."""

    connection: Connection

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002  psycopg2 calls it that
        query = self._limited(query)
        with _Wait(self.connection):
            super().execute(query, vars)

    def executemany(self, query: Any, vars_list: Sequence[Any]) -> None:
        query = self._limited(query)
        with _Wait(self.connection):
            super().executemany(query, vars_list)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        sql = self._limited(sql)
        with _Wait(self.connection):
            super().copy_expert(sql, file, size)

    def fetchmany(self, *size: int) -> Any:
        if self.name is None:  # all rows are here
            return super().fetchmany(*size)
        with _Wait(self.connection):
            return super().fetchmany(*size)

    def _limited(self, query: Any) -> Any:
        """Returns the query, with the limits of its transaction before it where the session has others."""
        limits = self.connection.limits
        if not limits or self.connection.is_in_transaction:
            return query
        if self.name is None:
            return session_limits.before(limits, query, self.connection)
        with self.connection.cursor() as first:
            first.execute("SELECT 1")  # with the limits: nothing may stand before the query of a server's cursor
        return query


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
