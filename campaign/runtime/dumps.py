"""Dumps of the database, written and read by PostgreSQL's own programs.

Those of the package are of PostgreSQL 18, and servers from 15 on are supported. `pg_dump` asks each for what it has.
`pg_restore` does not: it begins with parameters that an older server does not know, and takes its refusal for the end.
So it only writes SQL here, from which they are left out, and `psql` sends that.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from typing import IO

from django.db import connection
from psycopg2 import extensions

from campaign.runtime import cluster, database

FIRST_OBJECT = b"-- Name: "  # begins the comment with which the head of the SQL of a dump ends


class DumpFailed(Exception):
    """A dump could not be written or read. The message is one sentence for the operator."""


@contextlib.contextmanager
def dump(*, without_rows_of: str) -> Iterator[IO[bytes]]:
    """Yields a dump of the whole database as a stream, as it is at this moment.

    Args:
        without_rows_of: a table that stays empty in it.

    Raises:
        DumpFailed: at the end of the block, when the dump is not whole.
    """
    options = ["--format=custom", f"--exclude-table-data={without_rows_of}"]
    with _running("pg_dump", *options, _database(), pipe="stdout") as stream:
        yield stream


def restore(source: IO[bytes]) -> None:
    """Puts a dump into the database: all of it, or nothing.

    Args:
        source: a file of the system, at its beginning.

    Raises:
        DumpFailed: the database got nothing.
    """
    # The transaction is not that of `psql --single-transaction`, which commits what came before the end of a stream.
    options = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
    with _running("psql", *options, _database(), pipe="stdin") as target:
        target.write(b"BEGIN;\n")
        with _running("pg_restore", "--no-owner", "--no-privileges", "--file=-", pipe="stdout", stdin=source) as sql:
            _write_head(sql, target)
            shutil.copyfileobj(sql, target)
        target.write(b"COMMIT;\n")


def _write_head(sql: IO[bytes], target: IO[bytes]) -> None:
    """Writes the lines before the first object, without those that set what the server does not know."""
    for line in sql:
        verb, parameter = [*line.split(), b"", b""][:2]
        if verb != b"SET" or _is_known(parameter.decode()):
            target.write(line)
        if line.startswith(FIRST_OBJECT):
            return


def _is_known(parameter: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s, true) IS NOT NULL", [parameter])
        return bool(cursor.fetchone()[0])


def _database() -> str:
    connection.ensure_connection()
    where = {key: value for key, value in connection.connection.get_dsn_parameters().items() if value}
    return f"--dbname={extensions.make_dsn(**where)}"


@contextlib.contextmanager
def _running(name: str, *options: str, pipe: str, stdin: IO[bytes] | None = None) -> Iterator[IO[bytes]]:
    """Yields one end of a program, its `stdin` or its `stdout`. When the block fails, the program is killed."""
    environment = {**os.environ, "PGPASSWORD": connection.connection.info.password or ""}
    given = stdin or (subprocess.PIPE if pipe == "stdin" else subprocess.DEVNULL)
    taken = subprocess.PIPE if pipe == "stdout" else subprocess.DEVNULL
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            [_program(name), *options], env=environment, stdin=given, stdout=taken, stderr=complaints
        )
        stream: IO[bytes] = getattr(process, pipe)
        try:
            yield stream
        except BaseException as error:
            # Who takes nothing more has ended, and says why.
            if pipe == "stdout" or not isinstance(error, BrokenPipeError):
                process.kill()
                raise
        finally:
            with contextlib.suppress(BrokenPipeError):
                stream.close()
            process.wait()
        complaints.seek(0)
        lines = complaints.read().decode(errors="replace").splitlines()
    if process.returncode:
        raise DumpFailed(f"{name} failed: {lines[0] if lines else process.returncode}")


def _program(name: str) -> str:
    """Returns the path of a program of PostgreSQL: the embedded one's, which can read all servers that we support."""
    try:
        return str(cluster.binaries() / name)
    except database.DatabaseUnavailable:
        if found := shutil.which(name):
            return found
    raise DumpFailed(f"There is no {name} on this machine: install the client programs of PostgreSQL.")
