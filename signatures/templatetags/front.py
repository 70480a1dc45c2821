"""What admin shows above its own pages: the alarms on each, and on the front page the picture of the whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import template
from django.conf import settings
from django.db.models import CharField, Value
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaign.models import Letter
from signatures import charts, picture, watch
from signatures.models import Activity, Delivery, Limit

register = template.Library()

DELIVERIES = 5


@dataclass(frozen=True, slots=True)
class Drawn:
    """One chart with its name and the sentence that tells it to who does not see it."""

    name: str
    label: str
    chart: charts.Chart
    told: str


@dataclass(frozen=True, slots=True)
class Group:
    """Charts over the same places, and the table behind them."""

    name: str
    title: str
    corner: str
    drawn: list[Drawn]
    rows: list[tuple[str, list[int]]]


@register.inclusion_tag("admin/alarms.html", takes_context=True)
def alarms(context: template.Context) -> dict[str, Any]:
    """The alarms that stand and nobody has seen, and the switches that are turned, in one statement."""
    user = getattr(context.get("request"), "user", None)
    if user is None or not user.has_perm("signatures.view_alarm"):
        return {}
    fields = ("kind", "code", "words")
    standing = watch.standing(timezone.now()).filter(seen_by__isnull=True)
    rows = standing.annotate(kind=Value("alarm"), words=Cast("sentence", CharField())).values_list(*fields)
    paused = Letter.objects.filter(state=Letter.State.PAUSED).annotate(
        kind=Value("paused"), code=Cast("pk", CharField()), words=Cast("slug", CharField())
    )
    tightened = Limit.objects.filter(divisor__gt=1).annotate(
        kind=Value("tightened"), code=Value(""), words=Cast("divisor", CharField())
    )
    others = [rows.order_by().values_list(*fields) for rows in (paused, tightened)]
    found: dict[str, list[Any]] = {"alarm": [], "paused": [], "tightened": []}
    for kind, code, words in rows.order_by().union(*others).order_by("kind", "code"):
        found[kind].append((code, words, watch.ADVICE.get(code, "")))
    return {"request": context["request"], "csrf_token": context.get("csrf_token"), **found}


@register.inclusion_tag("admin/picture.html", takes_context=True)
def whole_picture(context: template.Context) -> dict[str, Any]:
    """What happened and what waits, in three statements; for who may see signatures."""
    user = getattr(context.get("request"), "user", None)
    if user is None or not user.has_perm("signatures.view_signature"):
        return {}
    now = timezone.now()
    happened, standing = picture.happened(now), picture.standing(now)
    return {
        "groups": [_by_hour(happened), _by_day(happened), _by_language(happened)],
        "standing": standing,
        "since": {
            name: _age(getattr(standing, name), now) for name in ("flagged_since", "clean_since", "mail_due_since")
        },
        "mails_in_this_hour": happened.by_hour[picture.MAILS].get(happened.hours[-1], 0),
        "deliveries": Delivery.objects.select_related("letter")[:DELIVERIES],
    }


def _age(since: datetime | None, now: datetime) -> str:
    """For how long, in whole hours: nobody is told the minute in which somebody signed."""
    if since is None:
        return ""
    hours = int((now - since).total_seconds() // 3600)
    if hours < 1:
        return _("less than an hour")
    if hours < 48:
        return ngettext("%d hour", "%d hours", hours) % hours
    return ngettext("%d day", "%d days", hours // 24) % (hours // 24)


def _by_hour(happened: picture.Happened) -> Group:
    hours = happened.hours
    labels = [f"{date_format(hour, 'Y-m-d')} {hour:%H}:00" for hour in hours]
    marks = {
        place: f"{hour:%H}:00" if hour.hour else date_format(hour, "j M")
        for place, hour in enumerate(hours)
        if hour.hour % 12 == 0
    }
    kinds = {**_names(), picture.MAILS: _("mails sent")}
    return _group(
        "hour", _("By hour, the last 48 hours (UTC)"), _("hour"), kinds, happened.by_hour, hours, labels, marks
    )


def _by_day(happened: picture.Happened) -> Group:
    days = happened.days
    labels = [date_format(day, "Y-m-d") for day in days]
    marks = {place: date_format(day, "j M") for place, day in enumerate(days) if day.weekday() == 0}
    return _group("day", _("By day, the last 60 days (UTC)"), _("day"), _names(), happened.by_day, days, labels, marks)


def _by_language(happened: picture.Happened) -> Group:
    codes = [code for code, _name in settings.LANGUAGES]
    labels = [str(name) for _code, name in settings.LANGUAGES]
    title = _("By language, the last 60 days")
    marks = dict(enumerate(codes))
    return _group("language", title, _("language"), _names(), happened.by_language, codes, labels, marks)


def _names() -> dict[str, str]:
    return {value: str(label) for value, label in Activity.What.choices}


def _group(
    name: str,
    title: str,
    corner: str,
    kinds: Mapping[str, str],
    sums: picture.Sums,
    places: Sequence[Any],
    labels: Sequence[str],
    marks: Mapping[int, str],
) -> Group:
    numbers = {what: [sums[what].get(place, 0) for place in places] for what in kinds}
    drawn = [
        Drawn(f"{name}-{what}", label, charts.bars(numbers[what], labels, marks), _told(numbers[what], labels))
        for what, label in kinds.items()
    ]
    rows = [(label, [numbers[what][place] for what in kinds]) for place, label in enumerate(labels)]
    return Group(name, title, corner, drawn, rows if name == "language" else rows[::-1])


def _told(numbers: Sequence[int], labels: Sequence[str]) -> str:
    most = max(numbers, default=0)
    if not most:
        return _("None.")
    where = labels[list(numbers).index(most)]
    return _("%(total)d in all; most: %(most)d, %(where)s.") % {"total": sum(numbers), "most": most, "where": where}
