"""The worker: drains the outbox, does the work that is due, runs background jobs."""

import logging
import signal
import threading
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections, connection
from django_tasks_db.management.commands.db_worker import Worker

from signatures import tasks
from signatures.outbox import sending

log = logging.getLogger(__name__)

POLL = 0.5  # seconds
FOLD_EVERY = 30.0  # seconds
KEEP_EVERY = 60.0  # seconds
TIDY_EVERY = 3600.0  # seconds


class Command(BaseCommand):
    help = "Runs the worker alone: mails that are due, regular work, background jobs. SIGTERM or Ctrl-C stops it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="do what is due now, then end")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.OUTBOX_PRIVATE_KEY_FILE:
            raise CommandError("OUTBOX_PRIVATE_KEY_FILE is missing: the worker cannot read whom to send the mails to.")
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        if options["once"]:
            sending.send_due()
            tasks.fold_count_deltas.enqueue()
            tasks.delete_network_digests.enqueue()
            tasks.create_checkpoint.enqueue()
            tasks.run_due_duties.enqueue()
            _run_jobs()
            return
        # Mail waits for no job: each has a thread of its own.
        mailing = threading.Thread(target=_mail, args=(stop,), name="mail")
        mailing.start()
        _keep_house(stop)
        mailing.join(30)


def _mail(stop: threading.Event) -> None:
    while not stop.is_set():
        sent = _survive(lambda: sending.send_due(limit=50))
        if not sent:
            stop.wait(POLL)
    connection.close()


def _keep_house(stop: threading.Event) -> None:
    search_text = kept = tidied = 0.0
    while not stop.wait(POLL):
        if time.monotonic() - search_text > FOLD_EVERY:
            search_text = time.monotonic()
            _survive(tasks.fold_count_deltas.enqueue)
        if time.monotonic() - kept > KEEP_EVERY:
            kept = time.monotonic()
            # First, so that a worker that was away raises no alarm for what it is about to seal.
            _survive(tasks.create_checkpoint.enqueue)
            _survive(tasks.run_due_duties.enqueue)
        if time.monotonic() - tidied > TIDY_EVERY:
            tidied = time.monotonic()
            _survive(tasks.delete_network_digests.enqueue)
            _survive(lambda: call_command("prune_db_task_results", min_age_days=1, verbosity=0))
        _survive(_run_jobs)


def _run_jobs() -> None:
    """Run what is enqueued and come back; another backend than PostgreSQL has workers of its own."""
    if settings.TASKS["default"]["BACKEND"] == "django_tasks_db.DatabaseBackend":
        Worker(
            queue_names=["*"], interval=0, batch=True, backend_name="default", startup_delay=False, max_tasks=None,
            worker_id="undersigned", excluded_queue_names=[],
        ).run()  # fmt: skip


def _survive(work: Any) -> Any:
    """Do it; a database or mail server that is away comes back, and the worker is still there.

    Whatever fails: an exception that left here would end the thread that mails, and print its message, which may hold
    somebody's words, to stderr (SECURITY.md R5).
    """
    try:
        close_old_connections()
        return work()
    except Exception:
        log.exception("the worker could not do its turn")
        connection.close()
        return None
