"""Run everything: database, web server, worker."""

import contextlib
import ctypes
import os
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
from django.db import connection

from campaign.models import Letter
from campaign.runtime import database
from campaign.runtime.locks import AdvisoryLock, session_lock
from signatures.staff import first_account

LONGEST_WAIT = 30.0  # seconds between two starts of a child that keeps dying
THREADS = 8  # per web worker; each keeps a database connection


@dataclass
class Child:
    """A process that is started again when it dies, after a pause that doubles."""

    name: str
    command: list[str]
    environment: dict[str, str]
    pause: float = 0.5
    due: float = 0.0
    started: float = 0.0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            env=self.environment,
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            preexec_fn=_die_with_parent,
        )

    def look_after(self) -> str | None:
        """Start it again when it died and the pause is over; what happened, if something did."""
        if self.process and self.process.poll() is not None:
            code, self.process = self.process.returncode, None
            self.pause = 0.5 if time.monotonic() - self.started > 60 else min(self.pause * 2, LONGEST_WAIT)
            self.due = time.monotonic() + self.pause
            return f"{self.name} ended with {code}; it starts again in {self.pause:.0f} s."
        if self.process is None and time.monotonic() >= self.due:
            self.start()
        return None


class Command(BaseCommand):
    help = (
        "Starts everything: the embedded database if DATABASE_URL is empty, the web server and the worker. "
        "Ctrl-C stops all of it."
    )
    requires_system_checks: tuple[str, ...] = ()  # they run once the database is up

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=2, help="web processes (default: 2)")
        parser.add_argument("--no-worker", action="store_true", help="no mails and no background jobs from here")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        # Its children and its words say where it serves, unless the operator said so.
        os.environ["SITE_URL"] = settings.SITE_URL = (
            settings.SITE_URL if os.environ.get("SITE_URL") else f"http://localhost:{options['port']}"
        )
        try:
            with database.single_instance("serve"):
                _port_is_free(options["host"], options["port"])
                with database.running():
                    self.prepare()
                    if not stop.is_set():
                        self.watch(children(options), stop, options)
        except database.DatabaseUnavailable as error:
            raise CommandError(str(error)) from None

    def prepare(self) -> None:
        """Migrate, collect static files, load the shipped letter, make the first account."""
        with session_lock(AdvisoryLock.MIGRATE):
            call_command("migrate", interactive=False, verbosity=0)
            if not Letter.objects.exists():
                call_command("load_letter", stdout=self.stdout)
            password = first_account.create_first_account()
        connection.close()
        call_command("collectstatic", interactive=False, verbosity=0)
        if password:
            self.stdout.write(
                f"First login: name admin, password {password} (also in {settings.VAR_DIR}/first-login.txt)"
            )

    def watch(self, family: list[Child], stop: threading.Event, options: dict[str, Any]) -> None:
        for child in family:
            child.start()
        _wait_for_port(options["host"], options["port"], stop)
        self.stdout.write(
            f"The letter:     {settings.SITE_URL}/\nStaff:          {settings.SITE_URL}/{settings.ADMIN_PATH}"
        )
        if not settings.EMAIL_URL:
            self.stdout.write(f"Mails are in:   {settings.VAR_DIR}/mail/")
        self.stdout.write("Ctrl-C stops it.")
        self.stdout.flush()
        while not stop.wait(0.2):
            for news in (_look_after_database(), *(child.look_after() for child in family)):
                if news:
                    self.stderr.write(news)
        for child in family:
            if child.process:
                child.process.terminate()
        for child in family:
            _see_off(child)
        self.stdout.write("Stopped.")


def children(options: dict[str, Any]) -> list[Child]:
    """The web server and the worker, each with its own environment: only the worker knows where the private key is."""
    # Empty, not absent: a `.env` file would fill in what is absent.
    web_environment = {**os.environ, "OUTBOX_PRIVATE_KEY_FILE": ""}
    web = [
        sys.executable, "-m", "granian", "--interface", "wsgi",
        "--host", options["host"], "--port", str(options["port"]),
        "--workers", str(options["workers"]), "--blocking-threads", str(THREADS), "--backlog", "2048", "--no-ws",
        "--log-level", "warning", "--respawn-failed-workers", "campaign.wsgi:application",
    ]  # fmt: skip
    family = [Child("web server", web, {**web_environment, "GRANIAN_LOG_ACCESS_ENABLED": "false"})]
    if not options["no_worker"]:
        family.append(Child("worker", [sys.executable, "manage.py", "worker"], dict(os.environ)))
    return family


def _look_after_database() -> str | None:
    try:
        return "the database was gone; it runs again." if database.restart_if_gone() else None
    except database.DatabaseUnavailable as error:
        return str(error)


def _port_is_free(host: str, port: int) -> None:
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


def _see_off(child: Child) -> None:
    """Wait for a child that was asked to end; a stubborn one is killed."""
    if child.process:
        try:
            child.process.wait(15)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()


def _die_with_parent() -> None:
    """On Linux a child gets SIGTERM when `serve` is killed, so that none is left holding the port."""
    os.setpgid(0, 0)  # Ctrl-C reaches `serve` alone, which ends its children in order
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
