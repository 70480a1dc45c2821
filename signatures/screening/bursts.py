"""Bursts: a flood is seen only after it has begun, so its first submissions are flagged afterwards."""

from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from campaign.runtime.sql_files import load_sql
from signatures.models import OutboxMail
from signatures.registries import AuditAction, Flag
from signatures.screening import rate_limits

SPAN = timedelta(hours=25)  # a bucket lasts for a day at most, and the worker calls this every minute

_FLAG_BURSTS = load_sql(__file__, "flag_bursts.sql")


@transaction.atomic
def flag_bursts() -> int:
    """Flag what was submitted in the last day and belongs to a burst, confirmed or not, and return its number."""
    now = timezone.now()
    values: dict[str, Any] = {
        "scopes": sorted(rate_limits.MARKED_SCOPES),
        "burst": Flag.BURST,
        "flagged_mail": OutboxMail.Priority.FLAGGED,
        "action": AuditAction.FLAG,
        "now": now,
        "since": now - SPAN,
    }
    with connection.cursor() as cursor:
        cursor.execute(_FLAG_BURSTS, values)
        return int(cursor.fetchone()[0])
