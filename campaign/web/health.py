"""Health checks for monitoring: `/healthz` (the web server is alive) and `/readyz` (the site can take signatures)."""

import logging
import math
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.tasks import DEFAULT_TASK_QUEUE_NAME
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_tasks_db.models import DBTaskResult

from campaign.runtime import database, shared_cache
from campaign.web import arrival
from campaign.web.middleware import HEALTH_PATH, Middleware, healthy

log = logging.getLogger(__name__)

READY_PATH = "/readyz"
WORKER_TIMEOUT = timedelta(minutes=2)  # the worker counts as stopped if no duties ended for so long
MIN_FREE_BYTES = 200 * 1024 * 1024
KEPT_SECONDS = 1.0  # for which an answer is kept: whoever asks, the database writes at most once a second
OLD_SECONDS = 10.0  # from which on an answer says nothing any more: a check hangs
CHECK_SECONDS = 3.0  # in which another thread must have checked, when there is no answer but an old one
ASIDE_SECONDS = 1.0  # that an answer waits for a check that the site can do without


class HealthCheckMiddleware(Middleware):
    """Answers both health checks for any host and scheme: a monitor on this machine asks 127.0.0.1 in plain HTTP.

    So it does the site's question how its own requests arrive: a proxy that does not fit is to be found.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info == READY_PATH:
            return ready(request)
        if request.path_info == arrival.PATH and (answer := arrival.answer(request)):
            return answer
        return healthy(request) if request.path_info == HEALTH_PATH else self.get_response(request)


def _takes_writes() -> bool:
    """Returns whether the database commits. The message is written to its log and flushed, but to no table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_logical_emit_message(true, 'readyz', ''), current_setting('transaction_read_only')")
        return bool(cursor.fetchone()[1] == "off")


def _is_durable() -> bool:
    return all(value == "on" for value in database.durability().values())


def _works() -> bool:
    # Each half minute the worker applies the count deltas, in the queue of short tasks, and each task leaves its time.
    ended = DBTaskResult.objects.filter(finished_at__gte=timezone.now() - WORKER_TIMEOUT)
    return ended.filter(queue_name=DEFAULT_TASK_QUEUE_NAME, task_path__endswith=".run_duties").exists()


def _has_folders() -> bool:
    """Returns whether a file can be written to VAR_DIR, and packages of deliveries can be read."""
    with tempfile.TemporaryFile(dir=settings.VAR_DIR) as file:
        file.write(bytes(4096))
        file.flush()
    deliveries = settings.DELIVERIES_DIR
    return not deliveries.exists() or os.access(deliveries, os.R_OK | os.X_OK)


def _has_space() -> bool:
    folders = [folder for folder in (settings.VAR_DIR, settings.DELIVERIES_DIR) if folder.exists()]
    return all(shutil.disk_usage(folder).free >= MIN_FREE_BYTES for folder in folders)


CHECKS: dict[str, Callable[[], bool]] = {
    "database": _takes_writes,
    "migrations": database.is_migrated,
    "durable": _is_durable,
    "worker": _works,
    "folders": _has_folders,
    "disk": _has_space,
    "cache": shared_cache.keeps,
}
# A site without these still takes signatures: a load balancer must not leave it out.
NOT_NEEDED = {"cache", "packages"}
# What other apps add at their start: the name of a check, and a function that returns whether it passes.
more_checks: dict[str, Callable[[], bool]] = {}


class _Aside:
    """A check that the site can do without, in a thread of its own: a server that hangs must not make the site unready.

    It may not use the database, whose connection would stay with the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread = threading.Thread()
        self._passes = False

    def passes(self, check: Callable[[], bool]) -> bool:
        """Returns whether it passes, within `ASIDE_SECONDS`. Nobody waits again for one that hangs."""
        if self._thread.is_alive():
            return False
        self._passes = False
        self._thread = threading.Thread(target=self._run, args=[check], daemon=True)
        self._thread.start()
        self._thread.join(ASIDE_SECONDS)
        return self._passes

    def _run(self, check: Callable[[], bool]) -> None:
        self._passes = _passes(self._name, check)


class _Answers:
    """The last answer of this process. One thread checks at a time; meanwhile the others get the answer before.

    When that answer is old they wait for the new one, and without it the site is not ready.
    """

    def __init__(self) -> None:
        self._checking = threading.Lock()
        self._aside = {name: _Aside(name) for name in NOT_NEEDED}
        self._last: dict[str, bool] = {}
        self._at = -math.inf  # monotonic seconds

    def get(self) -> dict[str, bool]:
        is_old = self._age() > OLD_SECONDS
        if self._age() < KEPT_SECONDS:
            return self._last
        if self._checking.acquire(timeout=CHECK_SECONDS if is_old else 0):
            try:
                if self._age() >= KEPT_SECONDS:
                    self._last = {name: self._passes(name, check) for name, check in (CHECKS | more_checks).items()}
                    self._at = time.monotonic()
            finally:
                self._checking.release()
        elif is_old:
            return {**self._last, "timely": False}
        return self._last

    def _passes(self, name: str, check: Callable[[], bool]) -> bool:
        return self._aside[name].passes(check) if name in NOT_NEEDED else _passes(name, check)

    def _age(self) -> float:
        return time.monotonic() - self._at

    def clear(self) -> None:
        self._last, self._at = {}, -math.inf


answers = _Answers()


def _passes(name: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception as error:  # noqa: BLE001  whatever a database, a disk or a cache raises: it does not work
        log.warning("readiness: %s failed with %s", name, type(error).__name__)
        return False


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 if the site can take signatures, else 503, with the result of each check."""
    checks = answers.get()
    is_ready = all(passes for name, passes in checks.items() if name not in NOT_NEEDED)
    return JsonResponse({"ready": is_ready, **checks}, status=200 if is_ready else 503)
