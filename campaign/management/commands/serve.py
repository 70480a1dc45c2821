"""Run the whole site: database, web server and worker."""

import contextlib
import io
import logging
import os
import shutil
import signal
import sys
import threading
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from campaign.management.arguments import whole_number
from campaign.models import Letter
from campaign.runtime import database, environment, failures, processes
from campaign.runtime.locks import AdvisoryLock, block_lock
from signatures.models import AuditEntry
from signatures.registries import AuditAction
from signatures.staff import first_account

log = logging.getLogger(__name__)

RETRY_SECONDS = 60.0  # in which a start that the database or the disk refuses is tried again
RETRY_PAUSE_SECONDS = 5.0
FIRST_START_SECONDS = 60.0  # in which another machine that starts for the first time must be done
LOOK_SECONDS = 0.2  # between two looks at the processes


class Command(BaseCommand):
    help = (
        "Starts everything: the embedded database if DATABASE_URL is empty, the web server and the worker. "
        "Ctrl-C stops all of it."
    )
    requires_system_checks: tuple[str, ...] = ()  # they run once the database is running

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=whole_number(1, 65_535), default=8000)
        parser.add_argument("--workers", type=whole_number(1, 1000), default=2, help="web processes (default: 2)")
        parser.add_argument("--no-worker", action="store_true", help="do not send emails or run background tasks")

    def handle(self, *args: Any, **options: Any) -> None:
        stop, reload = threading.Event(), threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        # From a terminal that is closed it means the end.
        hang_up = stop if sys.stdin.isatty() else reload
        signal.signal(signal.SIGHUP, lambda *_: hang_up.set())
        # Without SITE_URL from the operator, links and messages name the port of this server.
        os.environ["SITE_URL"] = settings.SITE_URL = (
            settings.SITE_URL if os.environ.get("SITE_URL") else f"http://localhost:{options['port']}"
        )
        os.environ["LOCAL"] = str(settings.LOCAL_MODE)  # settings that `serve` adds do not change what the site is
        with contextlib.ExitStack() as held:
            try:
                if web := self.start(held, stop, options):
                    self.supervise(web, children(options), stop, reload)
            except (database.DatabaseUnavailable, processes.CannotStart) as error:
                raise CommandError(str(error)) from None

    def start(
        self, held: contextlib.ExitStack, stop: threading.Event, options: dict[str, Any]
    ) -> processes.WebServer | None:
        """Take what a site needs, and prepare it. What database or disk refuse is tried again: they may come later.

        Returns the web server, which is loaded meanwhile; None if it was stopped.

        Raises:
            CommandError: it was refused for `RETRY_SECONDS`, or for a reason that does not pass.
        """
        last_try = time.monotonic() + RETRY_SECONDS
        while not stop.is_set():
            with contextlib.ExitStack() as attempt:
                try:
                    attempt.enter_context(database.single_instance("serve"))
                    web = processes.WebServer(
                        options["host"], options["port"], options["workers"], environment_of_web()
                    )
                    attempt.callback(web.end)
                    prepare_files()
                    web.load()
                    attempt.enter_context(database.running())
                    self.prepare()
                except (OSError, OperationalError) as error:
                    reason = failures.sentence(error)
                else:
                    held.push(attempt.pop_all())
                    return web
            if time.monotonic() > last_try:
                raise CommandError(reason)
            log.warning("%s It is tried again for a minute.", reason)
            stop.wait(RETRY_PAUSE_SECONDS)
        return None

    def prepare(self) -> None:
        """Migrate, load the shipped letter if there is none and nobody deleted it, create the first account."""
        call_command("migrate", interactive=False, verbosity=0)
        with block_lock(AdvisoryLock.FIRST_START, seconds=FIRST_START_SECONDS):
            # An empty site on which somebody deleted a letter is meant to be empty.
            if not (Letter.objects.exists() or AuditEntry.objects.filter(action=AuditAction.REMOVE_LETTER).exists()):
                loaded = io.StringIO()
                call_command("load_letter", stdout=loaded)
                self.tell(loaded.getvalue().splitlines()[-1])
            password = first_account.create_first_account()
        connection.close()
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

    def supervise(
        self,
        web: processes.WebServer,
        others: list[processes.Child],
        stop: threading.Event,
        reload: threading.Event,
    ) -> None:
        """Open the web server, start the other processes, start again what ends, and stop all once `stop` is set."""
        web.open()
        while not web.has_loaded and not stop.wait(LOOK_SECONDS / 10):
            web.check()
        self.tell(f"The letter:     {settings.SITE_URL}/\nStaff:          {settings.SITE_URL}/{settings.ADMIN_PATH}")
        if not settings.EMAIL_URL and others:
            self.tell(f"Emails are in:  {settings.VAR_DIR}/mail/")
        self.tell("Ctrl-C stops it.")
        reloading: Iterator[None] = iter(())
        while not stop.wait(LOOK_SECONDS):
            if message := _check_database():
                log.error("%s", message)
            web.check()
            for child in others:
                child.check()
            if next(reloading, "done") and reload.is_set():
                reload.clear()
                reloading = _reload(web, others)
        for child in others:
            child.terminate()
        web.end()
        processes.end(others)
        shutil.rmtree(settings.METRICS_DIR, ignore_errors=True)
        self.tell("Stopped.")


def _reload(web: processes.WebServer, others: Sequence[processes.Child]) -> Iterator[None]:
    """Prepare the site with the code and the settings as they are now, and replace all processes, in steps."""
    try:
        for command in ("migrate",) if settings.STATIC_DIR else ("migrate", "collectstatic"):
            words = [sys.executable, "manage.py", command, "--no-input", "--verbosity", "0"]
            preparing = processes.Child(command, words, environment_of_children())
            preparing.start()
            while preparing.is_running():
                yield
            if preparing.process and preparing.process.returncode:
                log.error("Nothing is reloaded: `%s` ended with %s.", command, preparing.process.returncode)
                return
        is_replaced = yield from web.replace()
    except OSError:  # no memory or no number for another process
        log.exception("Nothing is reloaded: a process cannot be started.")
        return
    if not is_replaced:
        log.error("Nothing is reloaded: the new web processes are not loaded. The former ones go on.")
        return
    for child in others:
        child.replace()
    log.info("The site is reloaded.")


def environment_of_children() -> dict[str, str]:
    """Returns the environment of a child, which reads the `.env` file as it is when the child starts."""
    return {name: value for name, value in os.environ.items() if name not in settings.NAMES_FROM_FILE}


def environment_of_web() -> dict[str, str]:
    """Returns the environment of the web server, without what is the worker's alone."""
    # Set to empty, because a `.env` file would fill in a variable that is missing.
    hidden = (
        *environment.OF_WORKER,
        "WORKER_SETTINGS_FILE",
        "OUTBOX_PRIVATE_KEY_FILE",
        "DIRECT_DATABASE_URL",
    )
    return {**environment_of_children(), **dict.fromkeys(hidden, "")}


def children(options: dict[str, Any]) -> list[processes.Child]:
    """Returns the processes beside the web server."""
    if options["no_worker"]:
        return []
    return [processes.Child("worker", [sys.executable, "manage.py", "worker"], environment_of_children())]


def prepare_files() -> None:
    """Collect the static files, unless somebody has collected them, and begin the numbers of requests anew."""
    shutil.rmtree(settings.METRICS_DIR, ignore_errors=True)
    if not settings.STATIC_DIR:
        call_command("collectstatic", interactive=False, verbosity=0)


def _check_database() -> str | None:
    try:
        return "the database had stopped; it was restarted." if database.restart_if_stopped() else None
    except database.DatabaseUnavailable as error:
        return str(error)
    except OSError as error:  # such as a disk that has become read-only: pages that need no database go on
        return failures.sentence(error)
