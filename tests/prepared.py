"""A data folder with a migrated database, made once and copied: migrating costs a site or a test run 12 s of a processor.

It is made by `serve` itself, from the code that stands beside it, and another code gets another one. In it are the
database `undersigned`, as the first start of a site leaves it, and `migrated`, in which nothing was loaded yet.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import psycopg2

BASE = Path(__file__).resolve().parent.parent
MADE_FROM = ("campaign", "signatures", "static", "templates", "requirements.txt", "tests/prepared.py")
MIGRATED = "migrated"  # name of a database
FOLDER = "UNDERSIGNED_PREPARED"  # variable for a process whose code makes the same database as that of its parent
KEPT_SECONDS = 86_400  # after which a folder that nobody used is removed


@cache
def prepared() -> Path:
    """Returns the folder. Makes it if no process of this user has made it from the same code."""
    if given := os.environ.get(FOLDER):
        return Path(given)
    home = _home()
    folder = home / _digest_of_code()
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _remove_old(home)
            draft = Path(tempfile.mkdtemp(prefix="draft-", dir=home))
            _make(draft)
            draft.rename(folder)
        os.utime(folder)
    return folder


def copy_database(data: Path) -> None:
    """Copies the data folder of the server, unless there is one. Several processes may ask at once."""
    data.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data.parent / "prepared.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not data.exists():
            _copy(prepared() / "postgres", data)


def copy_all(folder: Path) -> None:
    """Copies database, keys and static files into an empty folder, which becomes the `VAR_DIR` of a site."""
    for each in prepared().iterdir():
        _copy(each, folder / each.name)


def _copy(source: Path, to: Path) -> None:
    subprocess.run(["cp", "-a", str(source), str(to)], check=True)  # with the owner, as whom the server runs


def _home() -> Path:
    home = Path(tempfile.gettempdir()) / f"undersigned-tests-{os.geteuid()}"
    home.mkdir(mode=0o700, exist_ok=True)
    if home.stat().st_uid != os.geteuid():
        raise PermissionError(f"{home} belongs to somebody else.")
    return home


def _digest_of_code() -> str:
    digest = hashlib.sha256()
    for name in MADE_FROM:
        path = BASE / name
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(
                    b"\0".join((str(file.relative_to(BASE)).encode(), hashlib.sha256(file.read_bytes()).digest()))
                )
    return digest.hexdigest()[:16]


def _make(folder: Path) -> None:
    """A first start in two steps. Between them, what is migrated is copied inside the server."""
    from tests.live_site import LiveSite, free_port  # noqa: PLC0415  # that module copies what is made here

    site = LiveSite(free_port(), folder)
    site.options = ("--workers", "1", "--no-worker")
    site.run("migrate", "--verbosity", "0")
    site.run("shell", "--no-imports", "-c", f"from {__name__} import *; copy_migrated()")
    with site:
        pass
    site.output.unlink()
    for left in ("postgres.log", "postgres.users", "postgres.starting", "serve.lock"):
        (folder / left).unlink(missing_ok=True)


def copy_migrated() -> None:
    """Called inside the settings of the site."""
    from django.conf import settings  # noqa: PLC0415  # this module is read before there are settings

    _execute(settings.POSTGRES_DIR, "postgres", f"CREATE DATABASE {MIGRATED} TEMPLATE undersigned")
    # A run of tests has keys of its own.
    _execute(settings.POSTGRES_DIR, MIGRATED, "DELETE FROM signatures_pepperfingerprint")


def _execute(folder: Path, database: str, statement: str) -> None:
    connection = psycopg2.connect(host=str(folder), user="undersigned", dbname=database)
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(statement)


def _remove_old(home: Path) -> None:
    for folder in home.iterdir():
        if folder.is_dir() and time.time() - folder.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
