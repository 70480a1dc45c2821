"""Statistics of the dashboard: events by hour, day and language, and what waits. Totals only, without any person."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, connections

from campaign.runtime.replica import alias, reads_replica
from campaign.runtime.sql_files import load_sql
from signatures.models import HourlyStatistic

HOURS, DAYS = 48, 60
MAILS_SENT = "mail"  # counted by the hour like the events of signatures
FAILED_WITHIN = timedelta(hours=48)  # older failures are not shown

Totals = dict[str, dict[Any, int]]  # by event, then by hour, day or language

_EVENTS = load_sql(__file__, "events.sql")
_BACKLOG = load_sql(__file__, "backlog.sql")


@dataclass(frozen=True, slots=True)
class Events:
    """How often each event happened. `hours` and `days` list every hour and day, also where nothing happened."""

    hours: list[datetime]
    days: list[datetime]
    by_hour: Totals
    by_day: Totals
    by_language: Totals


@reads_replica
def events(now: datetime) -> Events:
    """Returns the events of the last hours and days, read in one statement."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    hours = [hour - timedelta(hours=back) for back in reversed(range(HOURS))]
    days = [hour.replace(hour=0) - timedelta(days=back) for back in reversed(range(DAYS))]
    result = Events(hours, days, by_hour=_zero_totals(), by_day=_zero_totals(), by_language=_zero_totals())
    with connections[alias()].cursor() as cursor:
        cursor.execute(_EVENTS, {"first_hour": hours[0], "first_day": days[0]})
        for event, in_hour, on_day, language, number in cursor.fetchall():
            if in_hour is not None:
                result.by_hour[event][in_hour] = int(number)
            elif on_day is not None:
                result.by_day[event][on_day] = int(number)
            else:
                result.by_language[event][language] = int(number)
    return result


def _zero_totals() -> Totals:
    return {event: {} for event in (*HourlyStatistic.Event.values, MAILS_SENT)}


def backlog(now: datetime) -> dict[str, Any]:
    """Returns what waits at this moment, and since when, by the names of the columns of `backlog.sql`."""
    with connection.cursor() as cursor:
        cursor.execute(_BACKLOG, {"now": now, "failed_since": now - FAILED_WITHIN})
        return dict(zip((column.name for column in cursor.description), cursor.fetchone(), strict=True))
