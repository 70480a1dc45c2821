"""Numbers for Prometheus, at `/metrics`: what the web processes counted, and what the database says at this moment.

Totals only, without any person. The page opens with `METRICS_TOKEN`, and is not there without it.
"""

import contextlib
import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import resolve
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from campaign.runtime import shared_cache
from campaign.runtime.sql_files import load_sql
from campaign.web import request_metrics
from campaign.web.middleware import Middleware
from signatures.models import HourlyStatistic
from signatures.monitoring import alarms, statistics
from signatures.registries import AlarmCode

PATH = "/metrics"
PREFIX = "undersigned_"

_NOW = load_sql(__file__, "metrics.sql")
_EVENT_TOTALS = load_sql(__file__, "event_totals.sql")


class MetricsMiddleware(Middleware):
    """Answers before the host is looked at: Prometheus asks each machine by an address of its own."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info != PATH or not _has_token(request):
            return self.get_response(request)
        request.resolver_match = resolve(PATH)  # it is counted by its name
        return metrics(request)


def _has_token(request: HttpRequest) -> bool:
    given, token = request.headers.get("Authorization", ""), settings.METRICS_TOKEN
    return bool(token) and constant_time_compare(given, f"Bearer {token}")


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer in the text format of Prometheus. Without the token there is no such page."""
    if not _has_token(request):
        raise Http404
    registry = CollectorRegistry()
    with contextlib.suppress(OSError):  # the log says so with each request
        MultiProcessCollector(registry, path=str(request_metrics.folder()))  # type: ignore[no-untyped-call]
    registry.register(SiteCollector())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class SiteCollector(Collector):
    """What the database and the disk say. While the database is away, the rest is said without it."""

    def collect(self) -> Iterator[Metric]:
        disk = shutil.disk_usage(settings.VAR_DIR)
        yield _gauge("disk_free_bytes", "Free space where VAR_DIR is.", disk.free)
        yield _gauge("disk_size_bytes", "Size of the disk where VAR_DIR is.", disk.total)
        yield _gauge("cache_up", "Whether the cache of CACHE_URL gives back what it was given.", shared_cache.keeps())
        try:
            found = list(_of_database(timezone.now()))
        except DatabaseError:
            found = []
        yield _gauge("database_up", "Whether the database answers.", bool(found))
        yield from found


def _of_database(now: datetime) -> Iterator[Metric]:
    with connection.cursor() as cursor:
        cursor.execute(_EVENT_TOTALS)
        totals = dict(cursor.fetchall())
        cursor.execute(_NOW, {"hour_ago": now - timedelta(hours=1)})
        found = dict(zip((column.name for column in cursor.description), cursor.fetchone(), strict=True))
    backlog = statistics.backlog(now)
    active = set(alarms.active(now).values_list("code", flat=True))

    events = CounterMetricFamily(f"{PREFIX}events", "What happened to signatures.", labels=["event"])
    for event in HourlyStatistic.Event.values:
        events.add_metric([event], float(totals.get(event, 0)))
    yield events
    tell = partial(_gauges, backlog | found)
    yield tell("waiting", "Signatures that wait for staff.", kind=["flagged", "unflagged", "reported"])
    waited = {kind: _age(backlog[f"{kind}_since"], now) for kind in ("flagged", "unflagged")}
    yield _gauges(waited, "waiting_seconds", "How long the oldest of them has waited.", kind=waited)
    yield tell("mails", "Emails in the outbox.", state=["due", "later", "failing", "given_up"])
    yield _gauge("mails_sent_last_hour", "Emails sent in the last hour.", found["mails_sent"])
    due_for = _age(backlog["mail_due_since"], now)
    yield _gauge("mail_due_seconds", "How long the oldest email that is due has waited.", due_for)
    sent_at = _timestamp(backlog["mail_sent_since"])
    yield _gauge("mail_sent_timestamp_seconds", "When an email was last sent; 0 is never.", sent_at)
    yield _gauges({code: code in active for code in AlarmCode}, "alarm", "1 while an alarm is active.", code=AlarmCode)
    yield tell("tasks", "Background tasks; failures of two days.", state=["running", "ready", "failed"])
    seen_at = _timestamp(found["worker_seen_at"])
    yield _gauge("worker_seen_timestamp_seconds", "When a worker last did its duties; 0 is never.", seen_at)
    yield tell("database_connections", "Connections to the database.", state=["all", "active"])
    yield _gauge("database_connections_max", "Connections that the server allows.", found["max_connections"])


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, text, value=float(value))


def _gauges(values: Mapping[str, Any], name: str, text: str, **label: Iterable[str]) -> Metric:
    """Returns a number for each value of a label, from the columns `name_value` or `value`."""
    ((key, chosen),) = label.items()
    family = GaugeMetricFamily(PREFIX + name, text, labels=[key])
    for value in chosen:
        family.add_metric([value], float(values[value] if value in values else values[f"{name}_{value}"]))
    return family


def _age(since: datetime | None, now: datetime) -> float:
    return (now - since).total_seconds() if since else 0.0


def _timestamp(at: datetime | None) -> float:
    return at.timestamp() if at else 0.0
