"""Run the whole site: database, web server and worker."""

import contextlib
import ctypes
import io
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from campaign.models import Letter
from campaign.runtime import database, failures
from campaign.runtime.locks import AdvisoryLock, block_lock
from signatures.staff import first_account

log = logging.getLogger(__name__)

RETRY_SECONDS = 60.0  # in which a start that the database or the disk refuses is tried again
RETRY_PAUSE_SECONDS = 5.0
MAX_PAUSE_SECONDS = 30.0  # between two starts of a child process that keeps ending
MIGRATION_SECONDS = 600.0  # in which another machine that migrates must be done
HEADER_MILLISECONDS = 10_000  # in which a client must send the head of a request, also on a connection that it keeps


@dataclass
class Child:
    """A child process that is restarted when it ends, after a pause that doubles each time."""

    name: str
    command: list[str]
    environment: dict[str, str]
    pause: float = 0.5  # seconds before the next restart
    restart_at: float = 0.0  # monotonic seconds
    started: float = 0.0  # monotonic seconds
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            env=self.environment,
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            preexec_fn=_end_with_parent,  # noqa: PLW1509  `serve` has one thread
        )

    def check(self) -> str | None:
        """Restart the process if it has ended and the pause is over. Returns a message if it has just ended."""
        if self.process and self.process.poll() is not None:
            code, self.process = self.process.returncode, None
            self.pause = 0.5 if time.monotonic() - self.started > 60 else min(self.pause * 2, MAX_PAUSE_SECONDS)
            self.restart_at = time.monotonic() + self.pause
            return f"{self.name} ended with {code}; it restarts in {self.pause:.0f} s."
        if self.process is None and time.monotonic() >= self.restart_at:
            self.start()
        return None


class Command(BaseCommand):
    help = (
        "Starts everything: the embedded database if DATABASE_URL is empty, the web server and the worker. "
        "Ctrl-C stops all of it."
    )
    requires_system_checks: tuple[str, ...] = ()  # they run once the database is running

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=2, help="web processes (default: 2)")
        parser.add_argument("--no-worker", action="store_true", help="do not send emails or run background tasks")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        # Without SITE_URL from the operator, links and messages name the port of this server.
        os.environ["SITE_URL"] = settings.SITE_URL = (
            settings.SITE_URL if os.environ.get("SITE_URL") else f"http://localhost:{options['port']}"
        )
        os.environ["LOCAL"] = str(settings.LOCAL_MODE)  # settings that `serve` adds do not change what the site is
        with contextlib.ExitStack() as held:
            try:
                self.start(held, stop, options)
            except database.DatabaseUnavailable as error:
                raise CommandError(str(error)) from None
            if not stop.is_set():
                self.supervise(children(options), stop, options)

    def start(self, held: contextlib.ExitStack, stop: threading.Event, options: dict[str, Any]) -> None:
        """Take what a site needs, and prepare it. What database or disk refuse is tried again: they may come later.

        Raises:
            CommandError: it was refused for `RETRY_SECONDS`, or for a reason that does not pass.
        """
        last_try = time.monotonic() + RETRY_SECONDS
        while not stop.is_set():
            with contextlib.ExitStack() as attempt:
                try:
                    attempt.enter_context(database.single_instance("serve"))
                    _require_free_port(options["host"], options["port"])
                    attempt.enter_context(database.running())
                    self.prepare()
                except (OSError, OperationalError) as error:
                    reason = failures.sentence(error)
                else:
                    held.push(attempt.pop_all())
                    return
            if time.monotonic() > last_try:
                raise CommandError(reason)
            log.warning("%s It is tried again for a minute.", reason)
            stop.wait(RETRY_PAUSE_SECONDS)

    def prepare(self) -> None:
        """Migrate, load the shipped letter if there is none, create the first account, collect static files."""
        with block_lock(AdvisoryLock.MIGRATE, seconds=MIGRATION_SECONDS):
            call_command("migrate", interactive=False, verbosity=0)
            if not Letter.objects.exists():
                loaded = io.StringIO()
                call_command("load_letter", stdout=loaded)
                self.tell(loaded.getvalue())
            password = first_account.create_first_account()
        connection.close()
        shutil.rmtree(settings.METRICS_DIR, ignore_errors=True)  # no web process runs: the counters begin anew
        if not settings.STATIC_DIR:
            call_command("collectstatic", interactive=False, verbosity=0)
        if password:
            # What is no terminal is kept, for example in the journal.
            shown = f"{password} (also in {{}})" if self.stdout.isatty() else "in {}"
            file = first_account.password_file()
            self.tell(f"First login: name admin, password {shown.format(file)}")

    def tell(self, lines: str) -> None:
        """Tell the person at the terminal; without one, the log."""
        for line in lines.splitlines():
            if self.stdout.isatty():
                self.stdout.write(line)
                self.stdout.flush()
            else:
                log.info("%s", line)

    def supervise(self, processes: list[Child], stop: threading.Event, options: dict[str, Any]) -> None:
        """Start the processes, restart those that end, and stop all of them once `stop` is set."""
        for child in processes:
            child.start()
        _wait_for_port(options["host"], options["port"], stop)
        self.tell(f"The letter:     {settings.SITE_URL}/\nStaff:          {settings.SITE_URL}/{settings.ADMIN_PATH}")
        if not settings.EMAIL_URL and not options["no_worker"]:
            self.tell(f"Emails are in:  {settings.VAR_DIR}/mail/")
        self.tell("Ctrl-C stops it.")
        while not stop.wait(0.2):
            for message in (_check_database(), *(child.check() for child in processes)):
                if message:
                    log.error("%s", message)
        running = [child.process for child in processes if child.process]
        for process in running:
            process.terminate()
        for process in running:
            _wait_or_kill(process)
        shutil.rmtree(settings.METRICS_DIR, ignore_errors=True)
        self.tell("Stopped.")


def children(options: dict[str, Any]) -> list[Child]:
    """Returns the web server and the worker. Only the environment of the worker names the private key of the outbox."""
    # Set to empty, because a `.env` file would fill in a variable that is missing.
    web_environment = {**os.environ, "OUTBOX_PRIVATE_KEY_FILE": "", "DIRECT_DATABASE_URL": ""}
    web = [
        sys.executable, "-m", "granian", "--interface", "asginl", "--http", "1",
        "--host", options["host"], "--port", str(options["port"]),
        "--workers", str(options["workers"]), "--backlog", "2048", "--no-ws",
        "--http1-header-read-timeout", str(HEADER_MILLISECONDS),
        "--log-level", "warning", "--log-config", str(settings.BASE_DIR / "campaign" / "runtime" / "granian_logs.json"),
        "--respawn-failed-workers", "campaign.asgi:application",
    ]  # fmt: skip
    processes = [Child("web server", web, {**web_environment, "GRANIAN_LOG_ACCESS_ENABLED": "false"})]
    if not options["no_worker"]:
        processes.append(Child("worker", [sys.executable, "manage.py", "worker"], dict(os.environ)))
    return processes


def _check_database() -> str | None:
    try:
        return "the database had stopped; it was restarted." if database.restart_if_stopped() else None
    except database.DatabaseUnavailable as error:
        return str(error)


def _require_free_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(f"Port {port} on {host} cannot be used: {error.strerror}.") from None


def _wait_for_port(host: str, port: int, stop: threading.Event) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not stop.is_set():
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
            return
        time.sleep(0.05)


def _wait_or_kill(process: subprocess.Popen[bytes]) -> None:
    """Wait up to 15 seconds for a process that was asked to end, then kill it."""
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_with_parent() -> None:
    """On Linux, have the kernel send SIGTERM to the child when `serve` is killed, so that the port becomes free."""
    os.setpgid(0, 0)  # so that Ctrl-C reaches only `serve`, which stops its children in order
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
