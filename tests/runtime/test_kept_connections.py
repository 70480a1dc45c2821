"""A kept connection is used again without a question to the server, unless the server said something unasked."""

import select
from collections.abc import Callable, Iterator

import psycopg2
import pytest
from django.db import OperationalError, close_old_connections, connection

from campaign.models import Letter

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
