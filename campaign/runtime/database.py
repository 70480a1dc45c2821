"""The embedded PostgreSQL 18 under VAR_DIR, used when DATABASE_URL is empty.

Each process that uses the server holds a shared lock on `postgres.users`; the last one to
release it stops the server. So `serve` and commands can start and end in any order. The kernel releases the lock of a
process that is killed.
"""

import contextlib
import errno
import fcntl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from campaign.runtime import cluster

DatabaseUnavailable = cluster.DatabaseUnavailable
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
COMMANDS_WITHOUT_DATABASE = {
    "", "help", "version", "--help", "--version", "translations", "check", "collectstatic", "compilemessages",
    "makemessages", "makemigrations", "diffsettings", "serve", "upgrade_database", "verify_delivery",
}  # fmt: skip
# They find the tables as they are: to migrate is their own work, or they save what is there before it.
COMMANDS_OF_TABLES = {
    "migrate", "showmigrations", "sqlmigrate", "squashmigrations", "dbshell", "flush", "lintmigrations", "restore",
    "backup",
}  # fmt: skip


def running_for_command(name: str) -> contextlib.AbstractContextManager[None]:
    """Run the database within this block, migrated, if the management command of this name needs it."""
    if name in COMMANDS_WITHOUT_DATABASE or {"-h", "--help"} & set(sys.argv):
        return contextlib.nullcontext()
    return running(prepare=None if name in COMMANDS_OF_TABLES else _migrate)


def _migrate() -> None:
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)


@contextlib.contextmanager
def running(prepare: Callable[[], None] | None = None) -> Iterator[None]:
    """Run the embedded server within this block. Does nothing if DATABASE_URL is set.

    `prepare` is called if this process starts the server; who comes meanwhile waits for it. Where the server runs, its
    tables are those of the site that runs, perhaps of other code.

    Raises:
        DatabaseUnavailable: if it cannot be started.
    """
    if settings.DATABASE_URL:
        yield
        return
    folder: Path = settings.POSTGRES_DIR
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder.parent / "postgres.users").open("w") as users:
        with _locked(folder.parent / "postgres.starting"):
            fcntl.flock(users, fcntl.LOCK_SH)
            process = None if cluster.accepts_connections(folder) else _start(folder)
            if process and prepare:
                try:
                    prepare()
                except BaseException:
                    _stop_if_last(folder, users, process)
                    raise
        try:
            yield
        finally:
            with _locked(folder.parent / "postgres.starting"):
                _stop_if_last(folder, users, process)


def restart_if_stopped() -> bool:
    """Start the embedded server again if it has stopped, and return whether it had.

    Raises:
        DatabaseUnavailable: if it cannot be started.
    """
    folder: Path = settings.POSTGRES_DIR
    if settings.DATABASE_URL or cluster.is_running(folder):
        return False
    with _locked(folder.parent / "postgres.starting"):
        if cluster.is_running(folder):
            return False
        _start(folder)
    return True


@contextlib.contextmanager
def single_instance(name: str) -> Iterator[None]:
    """Hold the lock file of this name under VAR_DIR.

    Raises:
        DatabaseUnavailable: if another process holds it.
    """
    settings.VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (settings.VAR_DIR / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatabaseUnavailable(f"Another `{name}` is already running on {settings.VAR_DIR}.") from None
        yield


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with _lock_file(path) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lock_file(path: Path) -> IO[str]:
    """Open the file for its lock, also on a disk that has become read-only: there, too, the server must be stopped."""
    try:
        return path.open("w")
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        return path.open()


def _start(folder: Path) -> subprocess.Popen[bytes]:
    if not (folder / "PG_VERSION").exists():
        if former_folders():
            raise DatabaseUnavailable(
                f"{folder} is missing beside {former_folders()[0].name}: go on with `upgrade_database`."
            )
        _create_data_folder(folder)
    if (version := cluster.version_of(folder)) != cluster.MAJOR:
        raise DatabaseUnavailable(
            f"The data in {folder} is of PostgreSQL {version}, and this site needs {cluster.MAJOR}:"
            " run `upgrade_database`."
        )
    return cluster.start_server(folder, cluster.binaries())


def former_folders() -> list[Path]:
    """Returns the data folders of former versions, which `upgrade_database` keeps."""
    return sorted(settings.POSTGRES_DIR.parent.glob("postgres.[0-9]*"))


def _create_data_folder(folder: Path) -> None:
    """Create the data folder under another name and rename it, so that an incomplete one is never used."""
    draft = folder.with_name("postgres.new")
    cluster.make_cluster(draft, cluster.binaries())
    cluster.make_database(draft, cluster.binaries())
    draft.rename(folder)


def _stop_if_last(folder: Path, users: IO[str], process: subprocess.Popen[bytes] | None) -> None:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if process:
            process.returncode = 0  # it keeps running for others; this prevents the ResourceWarning of Popen
        return
    cluster.stop_server(folder, process)


def is_migrated() -> bool:
    """Returns whether the database has the tables of this code."""
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def durability() -> dict[str, str]:
    """Returns the server settings that must be `on` for durability (threat model O11), with their values."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(DURABLE)])
        return dict(cursor.fetchall())
