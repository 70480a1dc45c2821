"""Readiness check for monitoring: `/readyz`."""

from collections.abc import Callable
from datetime import timedelta

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_tasks_db.models import DBTaskResult

from campaign.runtime import database

WORKER_TIMEOUT = timedelta(minutes=2)  # the worker counts as stopped if no task finished for so long


# What other apps add at their start: the name of a check, and a function that returns whether it passes.
more_checks: dict[str, Callable[[], bool]] = {}


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 if the site can take signatures, else 503.

    It needs a reachable, writable and durable database, all migrations applied, a worker that finishes tasks, and what
    other apps ask for.
    """
    checks = dict.fromkeys(["database", "migrations", "durable", "worker", *more_checks], False)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_read_only")
            checks["database"] = cursor.fetchone()[0] == "off"
        executor = MigrationExecutor(connection)
        checks["migrations"] = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        checks["durable"] = all(value == "on" for value in database.durability().values())
        # The worker applies the count deltas every half minute, and each task leaves its time.
        checks["worker"] = DBTaskResult.objects.filter(finished_at__gte=timezone.now() - WORKER_TIMEOUT).exists()
        checks |= {name: passes() for name, passes in more_checks.items()}
    except DatabaseError:
        pass  # the checks that were not reached stay False
    is_ready = all(checks.values())
    return JsonResponse({"ready": is_ready, **checks}, status=200 if is_ready else 503)
