"""Health: /readyz tells whether the site can take signatures."""

from datetime import timedelta

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django_tasks_db.models import DBTaskResult

from campaign.runtime import database

WORKER_SEEN = timedelta(minutes=2)


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Whether the site can take signatures: database reached and writable, migrations run, durable, worker seen."""
    checks: dict[str, bool] = {"database": False, "migrations": False, "durable": False, "worker": False}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_read_only")
            checks["database"] = cursor.fetchone()[0] == "off"
        executor = MigrationExecutor(connection)
        checks["migrations"] = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        checks["durable"] = all(value == "on" for value in database.durability().values())
        # The worker folds the counts every half minute; the job leaves its time.
        checks["worker"] = DBTaskResult.objects.filter(finished_at__gte=timezone.now() - WORKER_SEEN).exists()
    except DatabaseError:
        pass  # what was not reached stays false
    is_ready = all(checks.values())
    return JsonResponse({"ready": is_ready, **checks}, status=200 if is_ready else 503)
