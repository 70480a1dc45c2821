"""What admin shows above its own pages: the alarms on every page, and the dashboard on the first one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import template
from django.conf import settings
from django.db.models import CharField, Value
from django.db.models.functions import Cast
from django.template.defaultfilters import pluralize
from django.utils import timezone
from django.utils.formats import date_format

from campaign.models import Letter
from signatures.models import Delivery, HourlyStatistic, RateLimit
from signatures.monitoring import alarms as monitoring_alarms
from signatures.monitoring import charts, statistics
from signatures.registries import AlarmCode

register = template.Library()

DELIVERIES = 5
EVENT_LABELS = {event.value: str(event.label) for event in HourlyStatistic.Event}


@dataclass(frozen=True, slots=True)
class LabeledChart:
    """A chart with its name, and a sentence for people who do not see it."""

    name: str
    label: str
    chart: charts.Chart
    description: str


@dataclass(frozen=True, slots=True)
class ChartGroup:
    """Charts over the same horizontal axis, and the table of their numbers."""

    name: str
    title: str
    corner: str
    charts: list[LabeledChart]
    rows: list[tuple[str, list[int]]]


@dataclass(frozen=True, slots=True)
class Axis:
    """The horizontal axis of a group: what a bar stands for, the label of each, and those that are written below."""

    name: str
    keys: Sequence[Any]
    labels: Sequence[str]
    axis_labels: Mapping[int, str]


@register.inclusion_tag("admin/alarms.html", takes_context=True)
def alarms(context: template.Context) -> dict[str, Any]:
    """The active alarms that nobody has seen, paused letters and tightened limits, read in one statement."""
    user = getattr(context.get("request"), "user", None)
    if user is None or not user.has_perm("signatures.view_alarm"):
        return {}
    fields = ("kind", "code", "words")
    unseen = monitoring_alarms.active(timezone.now()).filter(seen_by__isnull=True)
    rows = unseen.annotate(kind=Value("alarm"), words=Cast("sentence", CharField())).values_list(*fields)
    paused = Letter.objects.filter(state=Letter.State.PAUSED).annotate(
        kind=Value("paused"), code=Cast("pk", CharField()), words=Cast("slug", CharField())
    )
    tightened = RateLimit.objects.filter(divisor__gt=1).annotate(
        kind=Value("tightened"), code=Value(""), words=Cast("divisor", CharField())
    )
    others = [rows.order_by().values_list(*fields) for rows in (paused, tightened)]
    found: dict[str, list[Any]] = {"alarm": [], "paused": [], "tightened": []}
    for kind, code, words in rows.order_by().union(*others).order_by("kind", "code"):
        found[kind].append((code, words, AlarmCode(code).advice if code in AlarmCode else ""))
    return {"request": context["request"], "csrf_token": context.get("csrf_token"), **found}


@register.inclusion_tag("admin/dashboard.html", takes_context=True)
def dashboard(context: template.Context) -> dict[str, Any]:
    """Events and backlog, read in three statements, for staff who may see signatures."""
    user = getattr(context.get("request"), "user", None)
    if user is None or not user.has_perm("signatures.view_signature"):
        return {}
    now = timezone.now()
    events, backlog = statistics.events(now), statistics.backlog(now)
    return {
        "groups": [_by_hour(events), _by_day(events), _by_language(events)],
        "backlog": backlog,
        "since": {
            name: _age(getattr(backlog, name), now) for name in ("flagged_since", "unflagged_since", "mail_due_since")
        },
        "mails_in_this_hour": events.by_hour[statistics.MAILS_SENT].get(events.hours[-1], 0),
        "deliveries": Delivery.objects.select_related("letter")[:DELIVERIES],
    }


def _age(since: datetime | None, now: datetime) -> str:
    """Returns an age in whole hours or days, so that nobody learns the minute in which somebody signed."""
    if since is None:
        return ""
    hours = int((now - since).total_seconds() // 3600)
    if hours < 1:
        return "less than an hour"
    if hours < 48:
        return f"{hours} hour{pluralize(hours)}"
    return f"{hours // 24} day{pluralize(hours // 24)}"


def _by_hour(events: statistics.Events) -> ChartGroup:
    labels = [f"{date_format(hour, 'Y-m-d')} {hour:%H}:00" for hour in events.hours]
    axis_labels = {
        index: f"{hour:%H}:00" if hour.hour else date_format(hour, "j M")
        for index, hour in enumerate(events.hours)
        if hour.hour % 12 == 0
    }
    event_labels = {**EVENT_LABELS, statistics.MAILS_SENT: "emails sent"}
    axis = Axis("hour", events.hours, labels, axis_labels)
    return _group("By hour, the last 48 hours (UTC)", axis, events.by_hour, event_labels)


def _by_day(events: statistics.Events) -> ChartGroup:
    labels = [date_format(day, "Y-m-d") for day in events.days]
    axis_labels = {index: date_format(day, "j M") for index, day in enumerate(events.days) if day.weekday() == 0}
    axis = Axis("day", events.days, labels, axis_labels)
    return _group("By day, the last 60 days (UTC)", axis, events.by_day, EVENT_LABELS)


def _by_language(events: statistics.Events) -> ChartGroup:
    codes = [code for code, _name in settings.LANGUAGES]
    axis = Axis("language", codes, [str(name) for _code, name in settings.LANGUAGES], dict(enumerate(codes)))
    return _group("By language, the last 60 days", axis, events.by_language, EVENT_LABELS)


def _group(title: str, axis: Axis, totals: statistics.Totals, event_labels: Mapping[str, str]) -> ChartGroup:
    numbers = {event: [totals[event].get(key, 0) for key in axis.keys] for event in event_labels}
    labeled = [
        LabeledChart(
            f"{axis.name}-{event}",
            label,
            charts.bars(numbers[event], axis.labels, axis.axis_labels),
            _description(numbers[event], axis.labels),
        )
        for event, label in event_labels.items()
    ]
    rows = [(label, [numbers[event][index] for event in event_labels]) for index, label in enumerate(axis.labels)]
    return ChartGroup(axis.name, title, axis.name, labeled, rows if axis.name == "language" else rows[::-1])


def _description(numbers: Sequence[int], labels: Sequence[str]) -> str:
    most = max(numbers, default=0)
    if not most:
        return "None."
    return f"{sum(numbers)} in all; most: {most}, {labels[list(numbers).index(most)]}."
