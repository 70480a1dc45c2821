"""How long each kind of process waits for the database (threat model O16)."""

import logging
import os
import re
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg2
import pytest
from django.db import OperationalError, connection
from psycopg2 import extensions

from campaign.models import Letter
from campaign.runtime import database_budgets, database_waits, signs_of_life
from campaign.runtime.database_budgets import COMMAND, STAFF, WORKER, Budget
from tests.postgres_server import PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def in_thread_of[Result](budget: Budget, work: Callable[[], Result]) -> Result:
    """Calls `work` in a new thread, which opens a connection of its own."""

    def run() -> Result:
        database_budgets.use_in_thread(budget)
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


def limits() -> list[str]:
    with connection.cursor() as cursor:
        found = []
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            cursor.execute(f"SHOW {name}")
            found.append(cursor.fetchone()[0])
    return found


def test_O16_public_pages_wait_for_seconds_and_staff_and_worker_for_longer() -> None:
    assert in_thread_of(database_budgets.public(), limits) == ["5s", "1s", "10s"]
    assert in_thread_of(STAFF, limits) == ["5min", "10s", "10min"]
    assert in_thread_of(WORKER, limits) == ["1h", "1min", "1h"]


def test_O16_a_command_waits_long_but_not_without_end() -> None:
    assert in_thread_of(COMMAND, limits) == ["6h", "1min", "6h"]


def test_O16_a_process_that_says_nothing_has_the_budget_of_a_command() -> None:
    with database_budgets.used_in_block(STAFF):
        assert in_thread_of(database_budgets.MIGRATION, limits) == ["6h", "1s", "1h"]
    connection.close()
    assert limits() == ["6h", "1min", "6h"]


def test_O16_the_operator_may_set_other_limits_in_the_address_of_the_database() -> None:
    other = {**connection.get_connection_params(), "options": "-c lock_timeout=7s"}

    def lock_timeout() -> str:
        opened = psycopg2.connect(**other)
        with opened.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            found = cursor.fetchone()[0]
        opened.close()
        return str(found)

    assert in_thread_of(database_budgets.public(), lock_timeout) == "7s"


@pytest.fixture
def locked_letters(letter: Letter) -> Iterator[None]:
    other = psycopg2.connect(**connection.get_connection_params())
    try:
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE campaign_letter IN ACCESS EXCLUSIVE MODE")
        yield
    finally:
        other.close()


def test_O16_a_public_page_gives_a_locked_table_up_after_a_second(locked_letters: None) -> None:
    begun = time.monotonic()
    with pytest.raises(OperationalError, match="lock timeout"):
        in_thread_of(database_budgets.public(), Letter.objects.count)
    assert 0.9 < time.monotonic() - begun < 5


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Yields the address of a server that accepts connections and says nothing, as one that was stopped."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"host=127.0.0.1 port={server.getsockname()[1]} user=nobody"


@pytest.mark.parametrize("budget", [WORKER, STAFF])
def test_O16_a_long_wait_for_a_lock_is_logged_once_with_its_holder(
    locked_letters: None, budget: Budget, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(OperationalError, match="lock timeout"):
        in_thread_of(budget._replace(lock=7), Letter.objects.count)
    (line,) = (record.getMessage() for record in caplog.records)
    assert re.fullmatch(r"a statement waits for a lock that PostgreSQL's process \d+ holds", line)


def test_O16_a_server_that_says_nothing_shows_no_life(silent_server: str) -> None:
    begun = time.monotonic()
    assert not signs_of_life.shows_life(signs_of_life.answers(silent_server))
    assert time.monotonic() - begun < signs_of_life.SIGN_OF_LIFE_SECONDS + 2


def test_O16_a_server_that_answers_or_refuses_shows_life(silent_server: str) -> None:
    with connection.cursor():
        assert signs_of_life.shows_life(signs_of_life.answers(connection.connection.full_dsn))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert signs_of_life.shows_life(signs_of_life.answers(f"host=127.0.0.1 port={port} user=nobody")), (
        "an error makes nobody wait"
    )


def test_O16_of_several_servers_one_that_answers_is_enough_and_an_error_is_not(silent_server: str) -> None:
    silent = extensions.parse_dsn(silent_server)["port"]
    with connection.cursor():
        own = extensions.parse_dsn(connection.connection.full_dsn)
    two = extensions.make_dsn(**own | {"host": f"127.0.0.1,{own['host']}", "port": f"{silent},5432"})
    assert signs_of_life.shows_life(signs_of_life.answers(two))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        refusing = closed.getsockname()[1]
    assert not signs_of_life.shows_life(
        signs_of_life.answers(f"host=127.0.0.1,127.0.0.1 port={silent},{refusing} user=nobody")
    )


def test_O16_kept_connections_to_a_silent_server_are_left_when_another_one_answers(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """As after a failover, when the former primary was only stopped: its kernel still answers for it."""
    folder = tmp_path_factory.mktemp("p")
    for passed in (folder, folder.parent, folder.parent.parent):
        passed.chmod(0o755)  # PostgreSQL runs as another user if this is root
    with connection.cursor():
        own = extensions.parse_dsn(connection.connection.full_dsn)

    def outlive_the_first(former: PostgresServer) -> None:
        both = {"host": f"{former.host},{own['host']}", "port": f"{former.port},5432", "dbname": "postgres"}
        both["target_session_attrs"] = "read-write"
        waiting, idle = (database_waits.Connection(extensions.make_dsn(**own | both)) for _each in range(2))
        assert waiting.server == idle.server == (former.host, former.port) and not idle.is_replaced
        rescue = threading.Timer(20, waiting.cut)  # so that the test fails, and does not wait without end
        rescue.start()
        with former.hanging():
            begun = time.monotonic()
            with pytest.raises(psycopg2.OperationalError), database_waits.Cursor(waiting) as cursor:
                cursor.execute("SELECT 1")
            with pytest.raises(psycopg2.OperationalError, match="another server"):
                idle.commit()
            assert time.monotonic() - begun < 5
            assert idle.is_replaced, "Django asks before each request, and opens another one"
            new = database_waits.Connection(extensions.make_dsn(**own | both))
            assert new.server == (own["host"], 5432) and time.monotonic() - begun < 5, "without trying the former one"
        rescue.cancel()

    with PostgresServer.running(folder / "former") as former:
        in_thread_of(WORKER, lambda: outlive_the_first(former))  # patient with a server that has no other beside it


def test_a_server_that_takes_no_writes_any_more_is_left_for_the_one_that_does(letter: Letter) -> None:
    """As after a failover, when the former primary is a replica now."""
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    with pytest.raises(OperationalError, match="takes no writes any more"):
        Letter.objects.update(goal=7)
    connection.close_if_unusable_or_obsolete()  # as before each request
    assert Letter.objects.update(goal=7) == 1


def test_O16_a_process_with_thousands_of_connections_still_notices_a_server_that_hangs(silent_server: str) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _each in range(1_100):
            stack.callback(os.close, os.dup(0))
        with connection.cursor():
            assert signs_of_life.shows_life(signs_of_life.answers(connection.connection.full_dsn))
        assert not signs_of_life.shows_life(signs_of_life.answers(silent_server))


def test_O16_a_long_statement_is_not_cut_while_the_server_answers() -> None:
    """Longer than it takes to become suspicious and to ask for a sign of life."""

    def sleep() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_sleep(3)")
            return int(cursor.fetchone()[0])

    assert in_thread_of(STAFF, sleep) == 1


def test_O16_a_wait_that_is_cut_ends_on_both_sides_and_the_next_one_connects_again() -> None:
    opened: list[database_waits.Connection] = []

    def wait() -> None:
        with connection.cursor() as cursor:
            opened.append(connection.connection)
            cursor.execute("SELECT pg_sleep(30)")

    def wait_twice() -> str:
        with pytest.raises(OperationalError):
            wait()
        connection.close_if_unusable_or_obsolete()
        return limits()[0]

    def cut() -> None:
        while not opened:
            time.sleep(0.01)
        time.sleep(0.3)
        opened[0].cut()

    cutting = threading.Thread(target=cut)
    cutting.start()
    begun = time.monotonic()
    assert in_thread_of(STAFF, wait_twice) == "5min"
    assert time.monotonic() - begun < 10
    cutting.join()
    while time.monotonic() - begun < 10:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)'")
            if cursor.fetchone() == (0,):
                return
        time.sleep(0.1)
    raise AssertionError("the server goes on with a statement that nobody waits for")
