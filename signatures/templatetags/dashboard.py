"""What admin shows above its own pages: the alarms on each, and on the front page the picture of the whole."""

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


@dataclass(frozen=True, slots=True)
class LabeledChart:
    """One chart with its name and the sentence that tells it to who does not see it."""

    name: str
    label: str
    chart: charts.Chart
    told: str


@dataclass(frozen=True, slots=True)
class ChartGroup:
    """Charts over the same places, and the table behind them."""

    name: str
    title: str
    corner: str
    drawn: list[LabeledChart]
    rows: list[tuple[str, list[int]]]


@register.inclusion_tag("admin/alarms.html", takes_context=True)
def alarms(context: template.Context) -> dict[str, Any]:
    """The alarms that stand and nobody has seen, and the switches that are turned, in one statement."""
    user = getattr(context.get("request"), "user", None)
    if user is None or not user.has_perm("signatures.view_alarm"):
        return {}
    fields = ("kind", "code", "words")
    standing = monitoring_alarms.active(timezone.now()).filter(seen_by__isnull=True)
    rows = standing.annotate(kind=Value("alarm"), words=Cast("sentence", CharField())).values_list(*fields)
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
    """What happened and what waits, in three statements; for who may see signatures."""
    user = getattr(context.get("request"), "user", None)
    if user is None or not user.has_perm("signatures.view_signature"):
        return {}
    now = timezone.now()
    happened, standing = statistics.events(now), statistics.backlog(now)
    return {
        "groups": [_by_hour(happened), _by_day(happened), _by_language(happened)],
        "standing": standing,
        "since": {
            name: _age(getattr(standing, name), now) for name in ("flagged_since", "clean_since", "mail_due_since")
        },
        "mails_in_this_hour": happened.by_hour[statistics.MAILS_SENT].get(happened.hours[-1], 0),
        "deliveries": Delivery.objects.select_related("letter")[:DELIVERIES],
    }


def _age(since: datetime | None, now: datetime) -> str:
    """For how long, in whole hours: nobody is told the minute in which somebody signed."""
    if since is None:
        return ""
    hours = int((now - since).total_seconds() // 3600)
    if hours < 1:
        return "less than an hour"
    if hours < 48:
        return f"{hours} hour{pluralize(hours)}"
    return f"{hours // 24} day{pluralize(hours // 24)}"


def _by_hour(happened: statistics.Events) -> ChartGroup:
    hours = happened.hours
    labels = [f"{date_format(hour, 'Y-m-d')} {hour:%H}:00" for hour in hours]
    marks = {
        place: f"{hour:%H}:00" if hour.hour else date_format(hour, "j M")
        for place, hour in enumerate(hours)
        if hour.hour % 12 == 0
    }
    kinds = {**_names(), statistics.MAILS_SENT: "emails sent"}
    return _group("hour", "By hour, the last 48 hours (UTC)", "hour", kinds, happened.by_hour, hours, labels, marks)


def _by_day(happened: statistics.Events) -> ChartGroup:
    days = happened.days
    labels = [date_format(day, "Y-m-d") for day in days]
    marks = {place: date_format(day, "j M") for place, day in enumerate(days) if day.weekday() == 0}
    return _group("day", "By day, the last 60 days (UTC)", "day", _names(), happened.by_day, days, labels, marks)


def _by_language(happened: statistics.Events) -> ChartGroup:
    codes = [code for code, _name in settings.LANGUAGES]
    labels = [str(name) for _code, name in settings.LANGUAGES]
    title = "By language, the last 60 days"
    marks = dict(enumerate(codes))
    return _group("language", title, "language", _names(), happened.by_language, codes, labels, marks)


def _names() -> dict[str, str]:
    return {value: str(label) for value, label in HourlyStatistic.What.choices}


def _group(
    name: str,
    title: str,
    corner: str,
    kinds: Mapping[str, str],
    sums: statistics.Totals,
    places: Sequence[Any],
    labels: Sequence[str],
    marks: Mapping[int, str],
) -> ChartGroup:
    numbers = {what: [sums[what].get(place, 0) for place in places] for what in kinds}
    drawn = [
        LabeledChart(f"{name}-{what}", label, charts.bars(numbers[what], labels, marks), _told(numbers[what], labels))
        for what, label in kinds.items()
    ]
    rows = [(label, [numbers[what][place] for what in kinds]) for place, label in enumerate(labels)]
    return ChartGroup(name, title, corner, drawn, rows if name == "language" else rows[::-1])


def _told(numbers: Sequence[int], labels: Sequence[str]) -> str:
    most = max(numbers, default=0)
    if not most:
        return "None."
    where = labels[list(numbers).index(most)]
    return "%(total)d in all; most: %(most)d, %(where)s." % {"total": sum(numbers), "most": most, "where": where}
