"""Databases as earlier versions had them, with rows, which migrations then change: forward and back.

A database is a clone of one that was brought to its version once. One process migrates all of them, without the signals
that come after: the roles of staff are tested elsewhere.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from django.db import connection
from psycopg2.extras import Json

MIGRATOR = """
import contextlib, io, json, sys, traceback
import django
django.setup()
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
for line in sys.stdin:
    order, said, failure = json.loads(line), io.StringIO(), ""
    connection.close()
    connection.settings_dict["NAME"] = order["database"]
    try:
        with contextlib.redirect_stdout(said):
            if "run" in order:
                exec(order["run"])
            else:
                executor = MigrationExecutor(connection)
                executor.migrate([tuple(each) for each in order["to"]] or executor.loader.graph.leaf_nodes())
    except Exception:
        failure = traceback.format_exc()
    connection.close()
    print(json.dumps([said.getvalue(), failure]), flush=True)
"""
EMPTY = {
    "text": "", "character varying": "", "integer": 0, "bigint": 0, "smallint": 0, "boolean": False, "jsonb": Json({}),
    "timestamp with time zone": "2026-11-28T12:00:00Z", "date": "2026-11-28", "ARRAY": [], "bytea": b"",
    "uuid": "00000000-0000-4000-8000-000000000001",
}  # fmt: skip


class OldSite:
    """A database of its own."""

    def __init__(self, migrator: subprocess.Popen[str], name: str) -> None:
        self.migrator, self.name = migrator, name
        self.connection = _connect(name)

    def migrate(self, *to: tuple[str, str]) -> None:
        """Bring it to these migrations, as (app, name); without any to the newest."""
        _order(self.migrator, database=self.name, to=to)

    def run(self, code: str) -> str:
        """Returns what the code of today prints that reads this database."""
        return _order(self.migrator, database=self.name, run=code)

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall()) if cursor.description else []

    def add(self, table: str, **values: Any) -> int:
        """Add a row, and return its id. A column that must have a value and has no default is empty, or long ago."""
        columns = self.sql(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_name = %s AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'",
            table,
        )
        row = {**{name: EMPTY[kind] for name, kind in columns}, **values}
        names, places = ", ".join(f'"{name}"' for name in row), ", ".join(["%s"] * len(row))
        ((row_id,),) = self.sql(f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING id", *row.values())
        return int(row_id)


@contextmanager
def migrator() -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    process = subprocess.Popen(
        [sys.executable, "-c", MIGRATOR], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        yield process
        process.communicate()


@contextmanager
def clone(process: subprocess.Popen[str], name: str, of: str = "") -> Iterator[OldSite]:
    """A new database, deleted at the end: an empty one, or a copy."""
    _on_server(f"DROP DATABASE IF EXISTS {name}")
    _on_server(f"CREATE DATABASE {name} {f'TEMPLATE {of}' if of else ''}")
    site = OldSite(process, name)
    try:
        yield site
    finally:
        site.connection.close()
        _on_server(f"DROP DATABASE {name}")


def _on_server(statement: str) -> None:
    """Run a statement outside of any transaction, and past the connection of the tests."""
    own = _connect(connection.settings_dict["NAME"])
    with own.cursor() as cursor:
        cursor.execute(statement)
    own.close()


def _connect(database: str) -> Any:
    server = connection.settings_dict
    own = psycopg2.connect(host=server["HOST"], user=server["USER"], dbname=database)
    own.autocommit = True
    return own


def _order(process: subprocess.Popen[str], **order: Any) -> str:
    assert process.stdin and process.stdout
    print(json.dumps(order), file=process.stdin, flush=True)
    said, failure = json.loads(process.stdout.readline())
    assert not failure, failure[-3000:]
    return str(said)
