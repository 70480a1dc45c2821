"""The worker: sends the emails that are due, runs the regular duties and the background tasks."""

import logging
import signal
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections, connection
from django_tasks_db.management.commands.db_worker import Worker

from campaign.runtime import database, database_budgets
from signatures import pepper, tasks
from signatures.delivery import signing_key
from signatures.outbox import holding, keys, sending

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
MIGRATED_SECONDS = 2.0  # between two looks whether the database is migrated
STOP_SECONDS = 8.0  # for emails and tasks that have begun


class Command(BaseCommand):
    help = "Runs the worker: sends emails that are due, does regular work, runs background tasks. Ctrl-C stops it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="do what is due now, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        database_budgets.use(database_budgets.WORKER)
        stop = threading.Event()
        try:
            keys.require()
            signing_key.load()
            if not options["once"]:
                for number in (signal.SIGINT, signal.SIGTERM):
                    signal.signal(number, lambda *_: stop.set())
                _wait_until_migrated(stop)
                if stop.is_set():
                    return
            pepper.require()
        except (keys.WrongKeys, signing_key.WrongSigningKey, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from None
        if options["once"]:
            sending.send_due()
            tasks.run_duties.enqueue()
            run_tasks()
            return
        survive(holding.send_again)  # whoever starts the worker may have mended what failed
        connection.close()
        # Threads, so that no email waits for a task, and no duty for a long one. They do not keep the process from
        # ending: what they leave undone is still due.
        work: dict[str, Callable[[threading.Event], None]] = {
            "emails": _send_emails,
            "schedule": partial(_run_schedule, tasks.SHORT),
            "long tasks": partial(_run_schedule, tasks.LONG),
        }
        threads = [threading.Thread(target=work[name], args=(stop,), name=name, daemon=True) for name in work]
        for thread in threads:
            thread.start()
        stop.wait()
        deadline = time.monotonic() + STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))


def _wait_until_migrated(stop: threading.Event) -> None:
    """Waits while the tables are older than this code: the web server is migrating them, or will once it starts."""
    if database.is_migrated():
        return
    log.warning("the worker waits until the database is migrated")
    while not stop.wait(MIGRATED_SECONDS) and not database.is_migrated():
        connection.close()


def _send_emails(stop: threading.Event) -> None:
    send = partial(sending.send_due, most_connections=settings.OUTBOX_CONNECTIONS, stop=stop)
    while not stop.is_set():
        if not survive(send):
            stop.wait(POLL_SECONDS)
    connection.close()


def _run_schedule(queue: str, stop: threading.Event) -> None:
    """Enqueues the duties of this queue when it is their turn. Between two tasks, because some enqueue themselves."""
    next_turn = {duty: 0.0 for duty in tasks.DUTIES if duty.queue == queue}
    while not stop.wait(POLL_SECONDS):
        now = time.monotonic()
        if due := [duty for duty, turn in next_turn.items() if turn <= now]:
            names = [duty.name for duty in due]
            if survive(partial(tasks.run_duties.using(queue_name=queue).enqueue, names)):
                next_turn |= {duty: now + duty.every.total_seconds() for duty in due}
        survive(partial(run_tasks, queue, most=1))


def run_tasks(queue: str = "*", *, most: int | None = None) -> None:
    """Runs what is enqueued, at most so many tasks. A backend other than PostgreSQL has its own workers."""
    if settings.TASKS["default"]["BACKEND"] == "django_tasks_db.DatabaseBackend":
        Worker(
            queue_names=[queue], interval=0, batch=True, backend_name="default", startup_delay=False, max_tasks=most,
            worker_id="undersigned", excluded_queue_names=[],
        ).run()  # fmt: skip


def survive[Result](work: Callable[[], Result]) -> Result | None:
    """Calls `work`. Returns its result, or None when it failed: the database or the mail server comes back.

    Every exception is caught. One that left here would end the thread that sends emails, and would print its message,
    which may hold somebody's words, to stderr (threat model R5).
    """
    try:
        close_old_connections()
        return work()
    except Exception:
        log.exception("the worker could not do its turn")
        connection.close()
        return None
