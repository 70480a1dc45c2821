"""`deploy/pgbouncer`, which the compose file runs: it pools, sets the limits of a session, and asks for the password.

Its limits are those of public pages. Who may wait for longer does so in the same sessions.
"""

import io
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from campaign.runtime import database_budgets
from campaign.runtime.database_budgets import STAFF, Budget
from tests.live_site import free_port
from tests.pooler import ORDINARY
from tests.prepared import BASE
from tests.proxies import program

PASSWORD = 'of the "pooler" alone'


@pytest.fixture
def port(db: None) -> Iterator[int]:
    """The port of the pooler before the database of the tests."""
    with pooling() as port:
        yield port


@contextmanager
def pooling(**settings: str) -> Iterator[int]:
    """Runs the pooler, with one session, and yields its port."""
    pgbouncer = Path(program("pgbouncer"))
    server = connection.get_connection_params()
    port, folder = free_port(), Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    own = {
        "POSTGRES_HOST": server["host"], "POSTGRES_USER": server["user"], "POSTGRES_PASSWORD": PASSWORD,
        "LISTEN_ADDR": "127.0.0.1", "LISTEN_PORT": str(port), "POOL_SIZE": "1", "TMPDIR": str(folder),
        "PATH": f"{pgbouncer.parent}:{os.environ['PATH']}", **settings,
    }  # fmt: skip
    user = ORDINARY if os.geteuid() == 0 else []
    process = subprocess.Popen([*user, str(BASE / "deploy" / "pgbouncer")], env=own, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    try:
        while True:
            try:
                connect(port).close()
                break
            except psycopg2.OperationalError:
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


def connect(port: int, password: str = PASSWORD) -> Any:
    server = connection.get_connection_params()
    return psycopg2.connect(
        host="127.0.0.1", port=port, user=server["user"], password=password, dbname=server["dbname"],
        options="-c statement_timeout=60000",
    )  # fmt: skip


def answer(session: Any, statement: str) -> Any:
    with session.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def test_O17_a_session_of_the_pool_has_the_limits_of_a_web_process(port: int) -> None:
    with closing(connect(port)) as session:
        limits = {
            name: answer(session, f"SHOW {name}")
            for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        }
    assert set(limits.values()) == {"5s", "1s", "10s"} and limits["lock_timeout"] == "1s", limits


def test_O17_two_clients_share_one_session_of_the_server(port: int) -> None:
    with closing(connect(port)) as one, closing(connect(port)) as other:
        one.autocommit = other.autocommit = True
        assert answer(one, "SELECT pg_backend_pid()") == answer(other, "SELECT pg_backend_pid()")


def test_who_has_not_the_password_is_refused(port: int) -> None:
    with pytest.raises(psycopg2.OperationalError, match="auth"):
        connect(port, "another")


Session = BaseDatabaseWrapper
LONG = "SELECT 1 FROM pg_sleep(1.3)"  # longer than a public statement may take behind this pooler


def statement(session: Session) -> None:
    with session.cursor() as cursor:
        cursor.execute(LONG)
        assert cursor.fetchone() == (1,)


def many_statements(session: Session) -> None:
    with session.cursor() as cursor:
        cursor.executemany("SELECT pg_sleep(%s)", [(0.1,), (1.3,)])


def table(session: Session) -> None:
    """As `csv_export` writes it."""
    out = io.BytesIO()
    with session.cursor() as cursor:
        cursor.copy_expert(f"COPY ({LONG}) TO STDOUT", out)
    assert out.getvalue() == b"1\n"


def transactions(session: Session) -> None:
    """The second statement of each of two."""
    for _each in range(2):
        session.set_autocommit(False)
        session.savepoint()
        statement(session)
        session.rollback()
        session.set_autocommit(True)


def rows_in_parts(session: Session) -> None:
    session.set_autocommit(False)
    session.in_atomic_block = True
    with session.chunked_cursor() as cursor:
        cursor.execute(LONG)
        assert cursor.fetchmany(1) == [(1,)]


WAYS = [statement, many_statements, table, transactions, rows_in_parts]


def nothing_more(session: Session) -> None:
    """What a public page pays for it."""
    session.ensure_connection()
    assert session.connection.limits == ""
    statement(session)


def test_O17_staff_wait_longer_than_the_sessions_of_the_pool_and_visitors_do_not(db: None) -> None:
    """By turns in one session, in which nothing of the one is left for the other."""

    def of(budget: Budget, port: int, way: Callable[[Session], None]) -> None:
        database_budgets.use_in_thread(budget)
        with closing(connection.copy()) as session:
            session.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(port), "PASSWORD": PASSWORD}
            way(session)

    with pooling(DATABASE_STATEMENT_SECONDS="1") as port, ThreadPoolExecutor(1) as thread:
        for way in WAYS:
            thread.submit(of, STAFF, port, way).result()
        with pytest.raises(OperationalError, match="statement timeout"):
            thread.submit(of, database_budgets.public()._replace(statement=1), port, nothing_more).result()


def test_O17_visitors_have_their_limits_behind_a_pooler_that_has_none(db: None) -> None:
    def limit(port: int) -> str:
        database_budgets.use_in_thread(database_budgets.public())
        with closing(connection.copy()) as session:
            session.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(port), "PASSWORD": PASSWORD}
            with session.cursor() as cursor:
                cursor.execute("SHOW statement_timeout")
                return str(cursor.fetchone()[0])

    with pooling(DATABASE_STATEMENT_SECONDS="0") as port, ThreadPoolExecutor(1) as thread:
        assert thread.submit(limit, port).result() == "5s"
