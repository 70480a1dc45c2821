"""Whether the clock may be believed. What is deleted because it is old cannot be brought back (threat model O19)."""

from datetime import timedelta

from django.db import connection
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

MAX_DIFFERENCE = timedelta(days=1)  # between the clock of this machine and that of the database
SETTLING = timedelta(hours=1)  # for which the worker must have run by this clock


def doubt() -> str:
    """Returns one sentence why the clock is not believed, or an empty string.

    Two clocks that differ are one reason. Two that jumped together, because both are of one machine, are found by the
    work of the last day: the worker leaves a row each half minute. A clock that has jumped knows none, nor does one
    that is right after the worker stood still for a day. Then an hour is left in which somebody can set the clock.
    """
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        difference = abs(now - cursor.fetchone()[0])
    if difference > MAX_DIFFERENCE:
        return f"The clocks of this machine and of the database differ by {difference / timedelta(days=1):.0f} days."
    before = DBTaskResult.objects.filter(finished_at__lt=now - SETTLING)
    if before.exists() and not before.filter(finished_at__gt=now - SETTLING - MAX_DIFFERENCE).exists():
        return "The clock has jumped, or the worker has not run for a day: nothing is deleted until it has for an hour."
    return ""
