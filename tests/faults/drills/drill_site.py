"""The site on which drills are tried: two web processes, and a worker only where a drill starts one."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Self

from tests import signals
from tests.faults.drills.drill_inbox import DrillInbox
from tests.live_site import LiveSite, children_of, command_of, free_port
from tests.mutants import worse_copy
from tests.prepared import BASE

SLUG = "xi-jinping-2013"
MUTANTS = BASE / "tests" / "mutants"
WORSE = (
    MUTANTS / "01-confirm-on-get.patch",
    MUTANTS / "06-limiter-read-then-write.patch",
    *sorted((Path(__file__).parent / "controls").glob("*.patch")),
)
NETWORK_LIMIT = 100  # sign-ups from one network in ten minutes
_UNSENT = """
    SELECT count(*) FROM signatures_outboxmail AS mail JOIN signatures_submission AS s ON s.id = mail.signature_id
    WHERE s.name LIKE %s AND mail.kind = 'link' AND mail.recipient IS NOT NULL
"""


class DrillSite(LiveSite):
    """A running site whose emails go to an inbox of its own."""

    inbox: DrillInbox
    until_the_end: ExitStack  # what ends with the site

    @classmethod
    @contextlib.contextmanager
    def started(cls, folder: Path | None = None, inbox: DrillInbox | None = None, **settings: str) -> Iterator[Self]:
        """Yields a site with these settings, in this folder or a new one, with this inbox or a new one."""
        inbox = DrillInbox() if inbox is None else inbox  # an empty inbox is a list without emails
        with inbox.served(free_port()) as mail_port:
            options = ("--workers", "2", "--no-worker")
            settings["EMAIL_URL"] = f"smtp://127.0.0.1:{mail_port}"
            with cls.temporary(free_port(), *options, folder=folder, is_prepared=True, **settings) as site:
                site.inbox = inbox
                # The drills are floods from this machine: there are no limits, but that of one network for drill 7.
                site.sql("UPDATE signatures_ratelimit SET max_count = 1000000")
                site.sql("UPDATE signatures_ratelimit SET max_count = %s WHERE scope = 'network'", [NETWORK_LIMIT])
                with ExitStack() as site.until_the_end:
                    yield site

    @cached_property
    def worse_code(self) -> Path:
        """A folder with a copy of the code that is worse in all ways of which a drill has a control."""
        folder = Path(self.until_the_end.enter_context(tempfile.TemporaryDirectory(prefix="us-worse-"))) / "copy"
        worse_copy.make(folder, *WORSE)
        return folder

    @cached_property
    def worse_web(self) -> "WebServer":
        """A web server of the worse code, on the same database."""
        return self.until_the_end.enter_context(self.web_server(self.worse_code))

    def letter(self, port: int = 0) -> str:
        """Returns the URL of the letter, on this port or that of the site."""
        return f"http://127.0.0.1:{port or self.port}/letters/{SLUG}/"

    def personal_pages(self, keys: list[str]) -> list[str]:
        """Returns the paths of the pages of submissions or signatures, by their public ids."""
        tokens = self.python("signatures.values.tokens", f"[personal_token(uuid.UUID(key)) for key in {keys}]")
        return [f"/signature/{token}/" for token in tokens]

    def unsent(self, group: str) -> int:
        """Returns the number of emails with the link for these signers that have not been sent."""
        return int(self.sql(_UNSENT, [f"{group} %"])[0][0])

    def empty_outbox(self) -> None:
        """Deletes what former drills left there."""
        self.sql("DELETE FROM signatures_outboxmail WHERE recipient IS NOT NULL")

    @property
    def database_processes(self) -> list[int]:
        """The ids of the processes of the embedded database, which is stopped, so that it starts no others."""
        first = self.postmaster
        os.kill(first, signal.SIGSTOP)
        return [first, *children_of(first)]

    @property
    def web(self) -> "WebServer":
        return WebServer(self.port, self.process.pid, shares_socket=True)

    @contextlib.contextmanager
    def replaced_function(self, name: str, old: str, new: str) -> Iterator[None]:
        """A function of the database with other words within this block."""
        ((code,),) = self.sql("SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = %s", [name])
        assert old in code
        self.sql(code.replace(old, new))
        try:
            yield
        finally:
            self.sql(code)

    @contextlib.contextmanager
    def worker(self, folder: Path = BASE, **settings: str) -> Iterator["Worker"]:
        """Yields a worker, started with the code in this folder."""
        worker = Worker(self, folder, settings)
        worker.start()
        try:
            yield worker
        finally:
            worker.kill()

    @contextlib.contextmanager
    def web_server(self, folder: Path = BASE, *options: str, **settings: str) -> Iterator["WebServer"]:
        """Yields a second web server on the same database, with the code in this folder."""
        port = free_port()
        command = [
            sys.executable, "-m", "granian", "--interface", "asginl", "--port", str(port), "--workers", "2", "--no-ws",
            "--log-level", "critical", "--respawn-failed-workers", *options, "campaign.asgi:application",
        ]  # fmt: skip
        environment = {**self.environment, "OUTBOX_PRIVATE_KEY_FILE": "", **settings}
        with self.output.open("ab") as out:
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=out, stderr=out, start_new_session=True
            )
        try:
            deadline = time.monotonic() + 120
            while not is_alive(port):
                assert process.poll() is None and time.monotonic() < deadline, self.output.read_text()[-2000:]
                time.sleep(0.1)
            yield WebServer(port, process.pid)
        finally:
            signals.send(signal.SIGKILL, (process.pid, *children_of(process.pid)))
            process.wait()


class WebServer(NamedTuple):
    """A web server: its port, the process that starts those which answer, and whether they share a socket."""

    port: int
    process: int
    shares_socket: bool = False

    @property
    def workers(self) -> list[int]:
        """The ids of the processes that answer requests, oldest first. Another is started when one ends."""
        words = ("granian", "campaign.web.process")
        return [number for number in children_of(self.process) if any(word in command_of(number) for word in words)]


class Worker:
    """`manage.py worker` as a process of the drill, which may kill it and start it again."""

    def __init__(self, site: DrillSite, folder: Path, settings: dict[str, str]) -> None:
        self.site, self.folder, self.environment = site, folder, {**site.environment, **settings}

    def start(self) -> None:
        with self.site.output.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "worker"],
                cwd=self.folder, env=self.environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def is_alive(port: int) -> bool:
    site = LiveSite.__new__(LiveSite)
    site.port = port
    return site.get("/healthz")[0] == 200
