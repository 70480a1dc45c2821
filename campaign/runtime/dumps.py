"""Dumps of the database, written and read by PostgreSQL's own programs."""

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


class DumpFailed(Exception):
    """A dump could not be written or read. The message is one sentence for the operator."""


def dump(*, without_rows_of: str) -> contextlib.AbstractContextManager[IO[bytes]]:
    """Yields a dump of the whole database as a stream, as it is at this moment.

    Args:
        without_rows_of: a table that stays empty in it.

    Raises:
        DumpFailed: at the end of the block, when the dump is not whole.
    """
    return _running("pg_dump", "--format=custom", f"--exclude-table-data={without_rows_of}", pipe="stdout")


def restoring() -> contextlib.AbstractContextManager[IO[bytes]]:
    """Yields the stream into which a dump is written. The database gets all of it, or nothing.

    Raises:
        DumpFailed: at the end of the block, when the database got nothing.
    """
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    return _running("pg_restore", *options, pipe="stdin")


@contextlib.contextmanager
def _running(name: str, *options: str, pipe: str) -> Iterator[IO[bytes]]:
    connection.ensure_connection()
    where = {key: value for key, value in connection.connection.get_dsn_parameters().items() if value}
    environment = {**os.environ, "PGPASSWORD": connection.connection.info.password or ""}
    command = [_program(name), *options, f"--dbname={extensions.make_dsn(**where)}"]
    with tempfile.TemporaryFile() as complaints:
        given, taken = (subprocess.PIPE if pipe == end else subprocess.DEVNULL for end in ("stdin", "stdout"))
        process = subprocess.Popen(command, env=environment, stdin=given, stdout=taken, stderr=complaints)
        stream: IO[bytes] = getattr(process, pipe)
        try:
            yield stream
        except BrokenPipeError:
            pass  # the program has ended, and says why
        except BaseException:
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
