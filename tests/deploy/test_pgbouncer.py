"""`deploy/pgbouncer`, which the compose file runs: it pools, sets the limits of a session, and asks for the password."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import connection

from tests.live_site import free_port
from tests.pooler import ORDINARY
from tests.prepared import BASE
from tests.proxies import program

PASSWORD = 'of the "pooler" alone'


@pytest.fixture
def port(db: None) -> Iterator[int]:
    """The port of the pooler before the database of the tests."""
    pgbouncer = Path(program("pgbouncer"))
    server = connection.get_connection_params()
    port, folder = free_port(), Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    own = {
        "POSTGRES_HOST": server["host"], "POSTGRES_USER": server["user"], "POSTGRES_PASSWORD": PASSWORD,
        "LISTEN_ADDR": "127.0.0.1", "LISTEN_PORT": str(port), "POOL_SIZE": "1", "TMPDIR": str(folder),
        "PATH": f"{pgbouncer.parent}:{os.environ['PATH']}",
    }  # fmt: skip
    user = ORDINARY if os.geteuid() == 0 else []
    process = subprocess.Popen([*user, str(BASE / "deploy" / "pgbouncer")], env=own, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while True:
        try:
            connect(port).close()
            break
        except psycopg2.OperationalError:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
    yield port
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
