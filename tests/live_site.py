"""A running site for tests: `manage.py serve` in processes of its own, on a folder of its own."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Literal, Self

import psycopg2

from tests import prepared, signals
from tests.prepared import BASE

PORTS = range(20_000, 32_000)  # below those that a kernel gives to connections, which could take one meanwhile
BLOCK = 100


def _own_ports() -> Iterator[int]:
    """Each port once, out of blocks that are this process's alone: it keeps the first port of each until it ends."""
    for first in PORTS[::BLOCK]:
        if _bind(first, is_kept=True):
            yield from filter(_bind, range(first + 1, first + BLOCK))
    raise AssertionError("no port is left")


def _bind(port: int, *, is_kept: bool = False) -> bool:
    """Returns whether nobody else has this port."""
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.bind(("127.0.0.1", port))
        if is_kept:
            probe.detach()  # so that nothing closes it
        return True
    return False


_ports, _choosing = _own_ports(), threading.Lock()


def free_port() -> int:
    """Returns a port on which nobody listens, and which is given to nobody else: neither here nor to a run beside it."""
    with _choosing:
        return next(_ports)


def body_of(message: EmailMessage, kind: Literal["plain", "html"]) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def children_of(process: int) -> list[int]:
    """Returns the processes that this one started and that are still there, oldest first."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = file.read_text().rpartition(")")[2].split()
            if int(fields[1]) == process:
                found.append((int(fields[19]), int(file.parent.name)))  # when it started (proc_pid_stat(5)): ids wrap
    return [number for _started, number in sorted(found)]


def command_of(process: int) -> str:
    """Returns the command of a process; nothing if it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    return ""


CONSOLE = """
import contextlib, importlib, json, sys, traceback
import django
django.setup()
from django.db import connections
for line in sys.stdin:
    module, call = json.loads(line)
    result, failure = None, ""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            result = eval(call, dict(vars(importlib.import_module(module))))
    except Exception:
        failure = traceback.format_exc()
    connections.close_all()
    print(json.dumps([result, failure]), flush=True)
"""


class LiveSite:
    """A running site. Leaving its `with` block stops it."""

    headers: ClassVar[dict[str, str]] = {}  # of a request that does not come through a proxy

    def __init__(self, port: int, folder: Path | None = None) -> None:
        self.port = port
        self.url = f"http://localhost:{port}"
        self.folder = folder or Path(tempfile.mkdtemp(prefix="us-site-"))
        self.output = self.folder.with_suffix(".log")
        self.first_password = ""
        self.environment = {
            **os.environ,
            "LOCAL": "True",
            "VAR_DIR": str(self.folder),
            "SITE_URL": self.url,
            "DJANGO_SETTINGS_MODULE": "campaign.settings",
        }
        self.code = BASE  # the folder of the code that is served
        self.interpreter = sys.executable  # with what that code needs
        self.options: tuple[str, ...] = ("--workers", "1")
        self.console: subprocess.Popen[str] | None = None

    @classmethod
    @contextlib.contextmanager
    def temporary(
        cls, port: int, *options: str, folder: Path | None = None, is_prepared: bool = True, **settings: str
    ) -> Iterator[Self]:
        """Yields a site with these options of `serve` and settings, and removes its processes and files afterwards.

        One that is not prepared starts for the first time, and takes longer.
        """
        site = cls(port, folder)
        site.options = options or site.options
        site.environment |= settings
        with site.removed_at_the_end():
            if is_prepared and "DATABASE_URL" not in settings and not any(site.folder.iterdir()):
                prepared.copy_all(site.folder)
            with site:
                yield site

    @contextlib.contextmanager
    def removed_at_the_end(self) -> Iterator[None]:
        """Removes the processes and files of the site after this block."""
        try:
            yield
        finally:
            signals.send(signal.SIGKILL, self.processes())
            shutil.rmtree(self.folder, ignore_errors=True)
            self.output.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        self.start()
        self.wait_until_ready()
        if (login := self.folder / "first-login.txt").exists():  # the first login deletes it
            self.first_password = login.read_text().split("password: ")[1].strip()
        return self

    def start(self) -> None:
        with self.output.open("ab") as out:
            command = [self.interpreter, "manage.py", "serve", "--port", str(self.port), *self.options]
            self.process = subprocess.Popen(
                command, cwd=self.code, env=self.environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL
            )

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        if self.console:
            self.console.communicate()
            self.console = None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(180)  # `serve` itself waits up to 150 s, most of them for a database to stop

    def wait_until_ready(self, seconds: float = 180) -> None:
        # Without a worker it is alive, and never ready.
        page = "/healthz" if "--no-worker" in self.options else "/readyz"
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(self.output.read_text())
            if self.get(page)[0] == 200:
                return
            time.sleep(0.1)
        raise AssertionError(f"not ready after {seconds} s:\n{self.output.read_text()}")

    def get(self, path: str) -> tuple[int, str]:
        try:
            request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=self.headers)
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def run(self, *words: str) -> str:
        """Runs a management command while the site runs. Returns what it printed."""
        command = [self.interpreter, "manage.py", *words]
        done = subprocess.run(
            command, cwd=self.code, env=self.environment, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout

    def python(self, module: str, call: str) -> Any:
        """Returns what this call of a module gives inside the site's settings, by way of JSON. The site is running.

        One process answers all calls, because a start of Python with the settings takes seconds of a processor.
        """
        if self.console is None or self.console.poll() is not None:  # a drill can have killed it
            self.console = subprocess.Popen(
                [self.interpreter, "-c", CONSOLE], cwd=self.code, env=self.environment, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        assert self.console.stdin and self.console.stdout
        self.console.stdin.write(json.dumps([module, call]) + "\n")
        self.console.stdin.flush()
        result, failure = json.loads(self.console.stdout.readline())
        assert not failure, failure
        return result

    def connect(self) -> "psycopg2.extensions.connection":
        """Returns a connection to the embedded database, which commits each statement."""
        connection = psycopg2.connect(host=str(self.folder / "postgres"), user="undersigned", dbname="undersigned")
        connection.autocommit = True
        return connection

    def sql(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Returns the rows of a statement, in a connection of its own."""
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall()) if cursor.description else []

    @property
    def postmaster(self) -> int:
        """The id of the first process of the embedded database."""
        return int((self.folder / "postgres" / "postmaster.pid").read_text().split()[0])

    @contextlib.contextmanager
    def without_database(self) -> Iterator[None]:
        """The embedded database is stopped, and kept from coming back: `serve` would start it again at once."""
        with (self.folder / "postgres.starting").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            os.kill(self.postmaster, signal.SIGINT)
            deadline = time.monotonic() + 150
            while (self.folder / "postgres" / "postmaster.pid").exists():
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield

    def processes(self) -> list[int]:
        """Returns the ids of all processes of this site, found by its folder in their environment or command."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(self.folder).encode() in words and int(entry.name) != os.getpid():
                found.append(int(entry.name))
        return found

    def web_processes(self) -> list[int]:
        """Returns the ids of the processes that answer requests."""
        return [number for number in children_of(self.process.pid) if "campaign.web.process" in command_of(number)]

    def worker_process(self) -> int:
        """Returns the id of the process that sends emails and does what is due."""
        (worker,) = (number for number in children_of(self.process.pid) if "worker" in command_of(number).split())
        return worker

    def messages(self, to: str) -> list[EmailMessage]:
        """Returns the emails to this address, oldest first."""
        files = sorted((self.folder / "mail").glob("*.eml"), key=lambda file: file.stat().st_mtime_ns)
        found = (message_from_bytes(file.read_bytes(), policy=policy.default) for file in files)
        return [message for message in found if message["To"] == to]

    def mails(self, to: str) -> list[str]:
        """Returns the paths of the links in the emails to this address, oldest first."""
        texts = (body_of(message, "plain") for message in self.messages(to))
        return [path for text in texts for path in re.findall(re.escape(self.url) + r"(/\S+)", text)]

    def wait_for_line(self, pattern: str, seconds: float = 60) -> None:
        """Waits for a line of the log whose event is this regular expression: it may be written after its effect."""
        deadline = time.monotonic() + seconds
        while not any(re.fullmatch(pattern, event) for event in self.events()):
            assert time.monotonic() < deadline, f"no line {pattern!r}:\n{self.output.read_text()}"
            time.sleep(0.1)

    def events(self) -> list[str]:
        """Returns what the log says so far, without a line of which the end is missing."""
        *whole, _last = self.output.read_text().split("\n")
        return [json.loads(line)["event"] for line in whole if line.startswith("{")]

    def wait_for_mail(self, to: str, seconds: float = 120) -> str:
        """Waits for an email to this address. Returns the path of the link in it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := self.mails(to):
                return found[0]
            time.sleep(0.1)
        raise AssertionError(f"no email came to {to}")
