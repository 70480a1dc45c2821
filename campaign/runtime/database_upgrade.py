"""The embedded PostgreSQL moves to the next major version: a copy of the data by `pg_upgrade`. The old data stays."""

import contextlib
import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg2
from django.conf import settings

from campaign.runtime import cluster, database
from campaign.runtime.database import DatabaseUnavailable

SPARE_BYTES = 500 * 1024 * 1024  # beside the copy
_TABLES = "SELECT relid::regclass::text FROM pg_stat_user_tables ORDER BY 1"


def upgrade(programs: Path | None = None) -> tuple[str, int]:
    """Move the data to this version's PostgreSQL.

    Args:
        programs: of the old version; looked for without it.

    Returns:
        The old version, and the number of rows.

    Raises:
        DatabaseUnavailable: it cannot be done, or went wrong. The old data is what it was.
    """
    folder: Path = settings.POSTGRES_DIR
    with database.single_instance("serve"), _nobody_uses(folder):
        if not folder.exists() and (former := database.former_folders()):
            former[-1].rename(folder)  # stopped between the two renames below
        version = cluster.version_of(folder)
        old = programs or programs_of(version)
        _require_space(folder)
        before = _rows(folder, old)
        draft = folder.with_name("postgres.new")
        cluster.make_cluster(draft, cluster.binaries())
        _copy(folder, draft, old)
        if before != _rows(draft, cluster.binaries()):
            raise DatabaseUnavailable("The copy has other rows than the data. Nothing was changed.")
        folder.rename(folder.with_name(f"postgres.{version}"))
        draft.rename(folder)
    return version, sum(before.values())


def programs_of(version: str) -> Path:
    """Returns the folder of the programs of a major version: of the package, or of Debian's.

    Raises:
        DatabaseUnavailable: there are none.
    """
    package = cluster.binaries().parent.parent
    for found in (*sorted(package.glob("pginstall*/bin")), Path(f"/usr/lib/postgresql/{version}/bin")):
        program = found / "postgres"
        if program.exists():
            said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
            if said.split()[2].partition(".")[0] == version:
                return found
    raise DatabaseUnavailable(
        f"There are no programs of PostgreSQL {version}: install Debian's postgresql-{version}, or name their folder"
        " with --programs."
    )


@contextlib.contextmanager
def _nobody_uses(folder: Path) -> Iterator[None]:
    with (folder.parent / "postgres.users").open("w") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatabaseUnavailable("A command uses the database. Wait until it has ended.") from None
        yield


def _require_space(folder: Path) -> None:
    needed = sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file()) + SPARE_BYTES
    free = shutil.disk_usage(folder.parent).free
    if free < needed:
        raise DatabaseUnavailable(
            f"The copy needs {needed // 2**20} MB beside the old data, and {free // 2**20} MB are free in"
            f" {folder.parent}."
        )


def _rows(folder: Path, programs: Path) -> dict[str, int]:
    """Returns the number of rows of each table. The server runs only for that, and so has ended in order."""
    process = cluster.start_server(folder, programs)
    try:
        connected = psycopg2.connect(host=str(folder), user="undersigned", dbname="undersigned")
        with contextlib.closing(connected) as connection, connection.cursor() as cursor:
            cursor.execute(_TABLES)
            counted = {}
            for (table,) in cursor.fetchall():
                cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608  a name that PostgreSQL has quoted
                counted[table] = cursor.fetchone()[0]
            cursor.execute("ANALYZE")
            connection.commit()
            return counted
    finally:
        cluster.stop_server(folder, process)


def _copy(folder: Path, draft: Path, programs: Path) -> None:
    command = [
        str(cluster.binaries() / "pg_upgrade"), "--username=undersigned", "--copy", f"--socketdir={draft}",
        f"--old-datadir={folder}", f"--new-datadir={draft}",
        f"--old-bindir={programs}", f"--new-bindir={cluster.binaries()}",
    ]  # fmt: skip
    cluster.run_program(command, draft)
    (draft / "delete_old_cluster.sh").unlink(missing_ok=True)
