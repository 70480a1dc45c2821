"""The whole in figures: what happened in each hour, day and language, and what waits. Totals only, names nobody."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from signatures.models import HourlyStatistic

HOURS, DAYS = 48, 60
MAILS_SENT = "mail"  # among what happens by the hour
FAILED_WITHIN = timedelta(hours=48)

Totals = dict[str, dict[Any, int]]  # what → when, or in which language → how often

# One walk over what is summed up already, with what the worker has not search_text yet.
_HAPPENED = """
    WITH happened AS (
        SELECT hour, language, what, number FROM signatures_hourlystatistic WHERE hour >= %(first_day)s
        UNION ALL
        SELECT hour, language, what, abs(number) FROM signatures_countdelta WHERE what <> '' AND hour >= %(first_day)s
        UNION ALL
        SELECT date_trunc('hour', sent_at, 'UTC'), '', 'mail', count(*)
        FROM signatures_outboxmail WHERE sent_at >= %(first_hour)s GROUP BY 1
    ), placed AS (
        SELECT *, date_trunc('day', hour, 'UTC') AS day FROM happened
    )
    SELECT what, hour, day, language, sum(number) FROM placed
    GROUP BY GROUPING SETS ((what, hour), (what, day), (what, language))
    HAVING grouping(hour) = 1 OR hour >= %(first_hour)s
"""

# Each a scalar, each read from an index or from a table of a few rows.
_STANDING = """
    SELECT
        (SELECT coalesce(sum(number), 0) FROM signatures_countdelta WHERE state = 'waiting' AND flagged),
        (SELECT coalesce(sum(number), 0) FROM signatures_countdelta WHERE state = 'waiting' AND NOT flagged),
        (SELECT coalesce(confirmed_at, signed_up_at) FROM signatures_signature
            WHERE state = 'waiting' AND CASE WHEN flags = '{}'::varchar(20)[] THEN 1 ELSE 0 END = 0
            ORDER BY signed_up_at LIMIT 1),
        (SELECT coalesce(confirmed_at, signed_up_at) FROM signatures_signature
            WHERE state = 'waiting' AND CASE WHEN flags = '{}'::varchar(20)[] THEN 1 ELSE 0 END = 1
            ORDER BY signed_up_at LIMIT 1),
        due.now, due.later, due.failing, due.oldest,
        (SELECT count(*) FROM signatures_outboxmail
            WHERE sent_at IS NULL AND recipient IS NULL AND due_at > %(lately)s),
        jobs.running, jobs.ready, jobs.failed,
        (SELECT count(*) FROM signatures_signature WHERE flags @> '{reported}'::varchar(20)[] AND state = 'approved')
    FROM (
        SELECT count(*) FILTER (WHERE due_at <= %(now)s) AS now, count(*) FILTER (WHERE due_at > %(now)s) AS later,
            count(*) FILTER (WHERE failure <> '') AS failing, min(due_at) FILTER (WHERE due_at <= %(now)s) AS oldest
        FROM signatures_outboxmail WHERE recipient IS NOT NULL
    ) due, (
        SELECT count(*) FILTER (WHERE status = 'RUNNING') AS running, count(*) FILTER (WHERE status = 'READY') AS ready,
            count(*) FILTER (WHERE status = 'FAILED' AND finished_at > %(lately)s) AS failed
        FROM django_tasks_database_dbtaskresult
    ) jobs
"""


@dataclass(frozen=True, slots=True)
class Events:
    """How often it happened: by hour, by day and by language, each span with a place even where nothing did."""

    hours: list[datetime]
    days: list[datetime]
    by_hour: Totals
    by_day: Totals
    by_language: Totals


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits at this moment, and since when."""

    flagged: int
    clean: int
    flagged_since: datetime | None
    clean_since: datetime | None
    mails_due: int
    mails_later: int
    mails_failing: int
    mail_due_since: datetime | None
    mails_given_up: int
    jobs_running: int
    jobs_ready: int
    jobs_failed: int
    reported: int


def events(now: datetime) -> Events:
    """What happened in the last hours and days, in one statement."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours = [hour - timedelta(hours=back) for back in reversed(range(HOURS))]
    days = [hour.replace(hour=0) - timedelta(days=back) for back in reversed(range(DAYS))]
    found = Events(hours, days, by_hour=_nothing(), by_day=_nothing(), by_language=_nothing())
    with connection.cursor() as cursor:
        cursor.execute(_HAPPENED, {"first_hour": hours[0], "first_day": days[0]})
        for what, in_hour, on_day, language, number in cursor.fetchall():
            if in_hour is not None:
                found.by_hour[what][in_hour] = int(number)
            elif on_day is not None:
                found.by_day[what][on_day] = int(number)
            else:
                found.by_language[what][language] = int(number)
    return found


def _nothing() -> Totals:
    return {what: {} for what in (*HourlyStatistic.What.values, MAILS_SENT)}


def backlog(now: datetime) -> Backlog:
    """What waits, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, {"now": now, "lately": now - FAILED_WITHIN})
        return Backlog(*cursor.fetchone())
