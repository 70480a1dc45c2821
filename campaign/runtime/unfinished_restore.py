"""A restore that has not finished closes the database to everybody else: rows of erased people may still be in it (O7).

An empty schema marks the database from before its first row until who is erased is erased again. Each connection of the
site looks for it, so that neither a web server, a worker nor a command, on whatever machine, works meanwhile.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import OperationalError, connection

SCHEMA = "undersigned_unfinished_restore"
REFUSAL = "a restore has not finished, so stop the site and run `restore` with the same backup again"
QUIET_SECONDS = 5.0  # in which those who are connected must be gone

_restores = ContextVar("restores", default=False)


class NotRestorable(Exception):
    """Nothing can be restored into this database. The message is one sentence for the operator."""


def require_finished(session: Any) -> None:
    """Does nothing when this process may use its new connection.

    Args:
        session: the connection, of psycopg2.

    Raises:
        OperationalError: the database is marked, and not by this process. The site answers 503 to it.
    """
    if _restores.get():
        return
    with session.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(%s) IS NOT NULL", [SCHEMA])
        if cursor.fetchone()[0]:
            raise OperationalError(REFUSAL)


@contextmanager
def marked(backup: str) -> Iterator[bool]:
    """Marks the database during the block, and after one that failed as long as there are tables.

    Yields whether all rows of this backup are there already, from a try that did not finish.

    Args:
        backup: its digest. Only the same backup goes on.

    Raises:
        NotRestorable: the database holds something else, or somebody is connected.
    """
    token = _restores.set(True)
    try:
        connection.close()
        has_rows = bool(connection.introspection.table_names())
        mark = _fetch("SELECT obj_description(to_regnamespace(%s), 'pg_namespace')", [SCHEMA])
        if has_rows and mark != backup:
            raise NotRestorable("The database is not empty: nothing is restored over what is there.")
        _execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        _wait_until_alone()
        try:
            _execute(f"COMMENT ON SCHEMA {SCHEMA} IS %s", [backup])
            yield has_rows
        except BaseException:
            connection.close()
            if not connection.introspection.table_names():
                _execute(f"DROP SCHEMA IF EXISTS {SCHEMA}")
            raise
        _execute(f"DROP SCHEMA {SCHEMA}")
    finally:
        connection.close()
        _restores.reset(token)


def _wait_until_alone() -> None:
    """Waits until no connection is left that is older than the mark."""
    last_try = time.monotonic() + QUIET_SECONDS
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename IS NOT NULL"
    while number := _fetch(f"{others} AND pid <> pg_backend_pid()"):
        if time.monotonic() > last_try:
            raise NotRestorable(f"Stop the site: the database has other connections ({number}).")
        time.sleep(0.1)


def _execute(statement: str, values: list[str] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _fetch(statement: str, values: list[str] | None = None) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0]
