"""A kept connection is used again without a question to the server, unless the server said something unasked."""

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psycopg2
import pytest
from django.db import (
    DataError,
    InternalError,
    OperationalError,
    ProgrammingError,
    close_old_connections,
    connection,
    connections,
    transaction,
)

from campaign.models import Letter
from campaign.runtime.postgresql.base import DatabaseWrapper

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def observer() -> Iterator[psycopg2.extensions.cursor]:
    """A second connection, which sees what the first one does."""
    opened = psycopg2.connect(**connection.get_connection_params())
    opened.autocommit = True
    yield opened.cursor()
    opened.close()


@pytest.fixture
def pid() -> int:
    """The process of the server that serves this thread's connection. The last thing asked of it was this number."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def start_request() -> None:
    """Does what Django does before a request on a connection that it kept."""
    close_old_connections()
    connection.close_if_health_check_failed()


def last_statement(observer: psycopg2.extensions.cursor, pid: int) -> str:
    observer.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [pid])
    return str(observer.fetchone()[0])


def test_a_connection_on_which_nothing_happened_is_used_again_unasked(
    observer: psycopg2.extensions.cursor, pid: int
) -> None:
    start_request()

    assert last_statement(observer, pid) == "SELECT pg_backend_pid()"
    assert connection.connection is not None, "it is still open"


def test_a_server_that_said_something_unasked_is_asked_whether_it_still_works(
    observer: psycopg2.extensions.cursor, pid: int
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("LISTEN something")
    observer.execute("NOTIFY something")
    select.select([connection.connection], [], [], 10)  # until the notification is here

    start_request()

    assert last_statement(observer, pid) == "SELECT 1"
    assert connection.connection is not None, "it still works"
    connection.close()  # it listens


def test_a_connection_that_the_server_ended_is_opened_again_and_nobody_notices(
    observer: psycopg2.extensions.cursor, pid: int, letter: Letter
) -> None:
    observer.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    start_request()

    assert Letter.objects.get() == letter
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone()[0] != pid


def test_a_connection_that_was_closed_here_is_opened_again(pid: int, letter: Letter) -> None:
    connection.connection.close()

    start_request()

    assert Letter.objects.get() == letter


def test_O4_a_connection_on_which_the_server_holds_a_failed_transaction_is_opened_again(letter: Letter) -> None:
    with connection.cursor() as cursor, pytest.raises(DataError):
        cursor.execute("BEGIN; SELECT 1 / 0")
    with pytest.raises(InternalError, match="current transaction is aborted"):
        Letter.objects.get()

    start_request()

    assert Letter.objects.get() == letter


class DeafServer:
    """A way to the database on which the first COMMIT fails before it ends the transaction.

    The server does so when a COMMIT is canceled early, as by its time limit on a machine that stood still for a second.
    """

    def __init__(self, folder: Path) -> None:
        self.is_deaf = True
        self.database = f"{connection.get_connection_params()['host']}/.s.PGSQL.5432"
        self.ways = ExitStack()
        self.listener = self.ways.enter_context(socket.socket(socket.AF_UNIX))
        self.listener.bind(str(folder / ".s.PGSQL.5432"))
        self.listener.listen()
        self.thread = threading.Thread(target=self._accept)
        self.thread.start()

    def end(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()

    def _accept(self) -> None:
        with self.ways, ThreadPoolExecutor() as pool, contextlib.suppress(OSError):
            while True:
                client = self.ways.enter_context(self.listener.accept()[0])
                server = self.ways.enter_context(socket.socket(socket.AF_UNIX))
                server.connect(self.database)
                pool.submit(self._copy, client, server)
                pool.submit(self._copy, server, client)

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while part := source.recv(65536):
                if self.is_deaf and b"COMMIT\0" in part:
                    self.is_deaf, part = False, part.replace(b"COMMIT\0", b"COMMIX\0")
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)


@pytest.fixture
def deaf(tmp_path: Path) -> Iterator[str]:
    """The alias of a connection on the way of a `DeafServer`."""
    server = DeafServer(tmp_path)
    connections["deaf"] = DatabaseWrapper({**connection.settings_dict, "HOST": str(tmp_path)}, "deaf")
    yield "deaf"
    connections["deaf"].close()
    del connections["deaf"]
    server.end()


def test_O4_a_commit_that_the_server_ended_leaves_no_connection_in_a_failed_transaction(deaf: str) -> None:
    with pytest.raises(ProgrammingError), transaction.atomic(using=deaf), connections[deaf].cursor() as cursor:
        cursor.execute("SELECT 1")

    for _each in range(2):
        with transaction.atomic(using=deaf), connections[deaf].cursor() as cursor:
            cursor.execute("SELECT 2")
            assert cursor.fetchone() == (2,)


def test_O4_every_statement_on_a_lost_connection_has_the_same_error_until_the_next_request(
    observer: psycopg2.extensions.cursor, pid: int, letter: Letter
) -> None:
    observer.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    for _each in range(2):  # the first finds that it is lost, the second that it is closed: both are 503
        with pytest.raises(OperationalError):
            Letter.objects.get()

    start_request()
    assert Letter.objects.get() == letter


def test_O4_a_transaction_that_begins_or_ends_on_a_lost_connection_has_the_same_error(
    observer: psycopg2.extensions.cursor, pid: int
) -> None:
    """Neither is a statement: what they say of a closed connection was 500."""
    observer.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    with pytest.raises(OperationalError):
        Letter.objects.get()

    uses: list[Callable[[], object]] = [
        lambda: connection.set_autocommit(False),
        connection.commit,
        connection.rollback,
    ]
    for use in uses:
        with pytest.raises(OperationalError):
            use()
    connection.close()


def test_O10_a_disk_that_became_read_only_is_no_fault_of_the_statement(letter: Letter) -> None:
    raise_it = (
        "DO $$ BEGIN RAISE 'could not extend file \"base/1/2\": Read-only file system' USING ERRCODE = '42501'; END $$"
    )
    with pytest.raises(OperationalError, match="Read-only"), connection.cursor() as cursor:
        cursor.execute(raise_it)


def test_a_right_that_is_missing_is_one(letter: Letter) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE pg_monitor")
        with pytest.raises(ProgrammingError, match="permission denied"):
            cursor.execute("SELECT FROM campaign_letter")
        transaction.set_rollback(True)


def test_O4_a_server_that_ends_while_it_answers_is_no_fault_of_the_statement() -> None:
    with pytest.raises(OperationalError), connection.wrap_database_errors:
        raise psycopg2.DatabaseError("server closed the connection unexpectedly")  # as psycopg2 does then
