"""A site of a certain size, and beside it the yardstick: the same server with a minimal Django application."""

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.request import urlopen

import psycopg2
from django.conf import settings

from campaign.management.commands import serve
from campaign.web.server import PUBLIC_THREADS
from tests.bench.table import say
from tests.live_site import free_port

SLUG = "xi-jinping-2013"
MAX_SECONDS = 1_800  # for any one command


class BenchSite:
    """A site served by `serve` with two web processes. Everything that it started ends with the `with` block."""

    def __init__(self, folder: Path, rows: int) -> None:
        self.folder, self.rows, self.port = folder, rows, free_port()
        self.environment = {**os.environ, "VAR_DIR": str(folder)}

    def __enter__(self) -> Self:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        started = time.monotonic()
        words = ["manage.py", "serve", "--port", str(self.port), "--workers", "2", "--no-worker"]
        self.process = start([sys.executable, *words], self.environment, self.folder / "serve.log")
        try:
            wait_until_up(self.process, self.letter, self.folder / "serve.log")
            self.manage("make_signatures", str(self.rows))
            self.sql("VACUUM ANALYZE")  # as autovacuum does within a minute
            for _minute in range(2):  # as the worker and autovacuum do, so that count deltas stay small
                self.manage("shell", "-v0", "-c", "from signatures import counts; counts.fold_deltas()")
                self.sql("VACUUM signatures_countdelta")
        except BaseException:
            end(self.process)
            raise
        say(f"{self.folder.name}: {self.rows:,} rows in {time.monotonic() - started:.0f} s")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        end(self.process)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def letter(self) -> str:
        return f"{self.url}/letters/{SLUG}/"

    def manage(self, *words: str) -> str:
        command = [sys.executable, "manage.py", *words]
        return run(command, self.environment)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(**self.database)
        connection.autocommit = True  # VACUUM wants no transaction
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    @property
    def database(self) -> dict[str, str]:
        return {"host": str(self.folder / "postgres"), "user": "undersigned", "dbname": "undersigned"}

    def form(self) -> dict[str, str]:
        """Returns the hidden fields of the sign form."""
        with urlopen(self.letter) as answer:
            page = answer.read().decode()
        return {name: re.search(f'<input[^>]*name="{name}"[^>]*value="([^"]*)"', page)[1] for name in ("text", "stamp")}  # type: ignore[index]

    @contextlib.contextmanager
    def yardstick(self) -> Iterator[str]:
        """Yields the address of the bare views, on the same database."""
        page = self.folder / "page.html"
        with urlopen(self.letter) as answer:
            page.write_bytes(answer.read())
        with self.beside("yardstick", "wsgi", YARDSTICK_PAGE=str(page)) as address:
            yield address

    @contextlib.contextmanager
    def beside(self, name: str, interface: str = "asginl", **environment: str) -> Iterator[str]:
        """Yields the address of another application of this folder, on the same database, with as many processes.

        A WSGI application gets as many threads as the site has for public pages.
        """
        port = free_port()
        threads = ["--blocking-threads", str(PUBLIC_THREADS)] if interface == "wsgi" else []
        command = [
            sys.executable, "-m", "granian", "--interface", interface, "--http", "1", "--port", str(port),
            "--workers", "2", "--backlog", "2048", "--no-ws", "--log-level", "warning", *threads,
            f"tests.bench.{name}:application",
        ]  # fmt: skip
        log = self.folder / f"{name}.log"
        process = start(command, {**serve.environment_of_web(), **self.environment, **environment}, log)
        try:
            wait_until_up(process, f"http://127.0.0.1:{port}/", log)
            yield f"http://127.0.0.1:{port}"
        finally:
            end(process)


def run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=MAX_SECONDS,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command[1:4])} failed:\n{done.stderr}")
    return done.stdout


def start(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(90)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until_up(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + 240  # a machine with much else to do
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urlopen(url, timeout=5):
            return
        time.sleep(0.1)
    raise SystemExit(f"{url} did not come up:\n{log.read_text()[-2000:]}")
