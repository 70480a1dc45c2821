"""What admin shows above its own pages: the alarms on every page, and the start page."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import template
from django.conf import settings
from django.db.models import CharField, Value
from django.db.models.functions import Cast
from django.template.defaultfilters import pluralize
from django.utils import timezone
from django.utils.formats import date_format

from campaign.letters.languages import describe
from campaign.models import Letter
from signatures.models import Delivery, HourlyStatistic, RateLimit, Switch
from signatures.monitoring import alarms as monitoring_alarms
from signatures.monitoring import charts, statistics, waiting_work
from signatures.registries import AlarmCode

register = template.Library()

DELIVERIES = 5
VIEW_SIGNED = "signatures.view_signedletter"
EVENT_LABELS = {event.value: str(event.label) for event in HourlyStatistic.Event}


@register.inclusion_tag("admin/alarms.html", takes_context=True)
def alarms(context: template.Context) -> dict[str, Any]:
    """The active alarms that nobody has seen, and the switches that are turned, read in one statement."""
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
    on = Switch.objects.filter(is_on=True).annotate(kind=Value("on"), words=Value(""))
    others = [rows.order_by().values_list(*fields) for rows in (paused, tightened, on)]
    found: dict[str, list[Any]] = {"alarm": [], "paused": [], "tightened": [], "on": []}
    for kind, code, words in rows.order_by().union(*others).order_by("kind", "code"):
        found[kind].append((code, words, AlarmCode(code).advice if code in AlarmCode else ""))
    found["on"] = [Switch.Code(code).label for code, _words, _advice in found["on"]]
    return {"request": context["request"], "csrf_token": context.get("csrf_token"), **found}


@register.inclusion_tag("admin/start_page.html", takes_context=True)
def start_page(context: template.Context) -> dict[str, Any]:
    """What waits for the role of the acting user, the letters, the menus; and the dashboard for who sees signatures."""
    user, now = context["request"].user, timezone.now()
    sees_signatures = user.has_perm("signatures.view_signature")
    backlog = statistics.backlog(now) if sees_signatures else {}
    works_on_letters = user.has_perm("campaign.view_letter")
    return {
        "request": context["request"],
        "app_list": context["app_list"],
        "perms": context["perms"],
        "work": [(item, _age(item.since, now)) for item in waiting_work.of(user, backlog, now)],
        "letters": waiting_work.letters(now) if works_on_letters or user.has_perm(VIEW_SIGNED) else [],
        "letter_page": f"admin:{'campaign_letter' if works_on_letters else 'signatures_signedletter'}_change",
        "sees_waiting": sees_signatures or user.has_perm(VIEW_SIGNED),
        **(_dashboard(now, backlog) if sees_signatures else {}),
    }


def _dashboard(now: datetime, backlog: Mapping[str, Any]) -> dict[str, Any]:
    """Returns events and backlog of the whole site, read in two more statements."""
    events = statistics.events(now)
    return {
        "groups": [_by_hour(events), _by_day(events), _by_language(events)],
        "backlog": backlog,
        "since": {name: _age(at, now) for name, at in backlog.items() if name.endswith("_since")},
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


def _by_hour(events: statistics.Events) -> dict[str, Any]:
    labels = {hour: f"{date_format(hour, 'Y-m-d')} {hour:%H}:00" for hour in events.hours}
    axis_labels = {
        index: f"{hour:%H}:00" if hour.hour else date_format(hour, "j M")
        for index, hour in enumerate(events.hours)
        if hour.hour % 12 == 0
    }
    event_labels = {**EVENT_LABELS, statistics.MAILS_SENT: "emails sent"}
    return _group("hour", "By hour, the last 48 hours (UTC)", labels, axis_labels, events.by_hour, event_labels)


def _by_day(events: statistics.Events) -> dict[str, Any]:
    labels = {day: date_format(day, "Y-m-d") for day in events.days}
    axis_labels = {index: date_format(day, "j M") for index, day in enumerate(events.days) if day.weekday() == 0}
    return _group("day", "By day, the last 60 days (UTC)", labels, axis_labels, events.by_day, EVENT_LABELS)


def _by_language(events: statistics.Events) -> dict[str, Any]:
    found = sorted(
        {code for totals in events.by_language.values() for code in totals if code} - dict(settings.LANGUAGES).keys()
    )
    labels = {**dict(settings.LANGUAGES), **{code: describe(code).name for code in found}}
    axis_labels = dict(enumerate(labels))
    return _group("language", "By language, the last 60 days", labels, axis_labels, events.by_language, EVENT_LABELS)


def _group(
    name: str,
    title: str,
    labels: Mapping[Any, str],
    axis_labels: Mapping[int, str],
    totals: statistics.Totals,
    event_labels: Mapping[str, str],
) -> dict[str, Any]:
    """Returns the template context of charts over the same horizontal axis, and of the table of their numbers.

    Args:
        name: what a bar stands for.
        title: the heading of the charts.
        labels: the label of each bar, by its key in the totals.
        axis_labels: the labels that are written below, by the index of the bar.
        totals: the numbers.
        event_labels: the label of each chart, by its event.
    """
    bar_labels = list(labels.values())
    numbers = {event: [totals[event].get(key, 0) for key in labels] for event in event_labels}
    drawn = [
        {
            "name": f"{name}-{event}",
            "label": label,
            "chart": charts.bars(numbers[event], bar_labels, axis_labels),
            "description": _description(numbers[event], bar_labels),
        }
        for event, label in event_labels.items()
    ]
    rows = list(zip(bar_labels, zip(*numbers.values(), strict=True), strict=True))
    return {"name": name, "title": title, "charts": drawn, "rows": rows if name == "language" else rows[::-1]}


def _description(numbers: Sequence[int], labels: Sequence[str]) -> str:
    most = max(numbers, default=0)
    if not most:
        return "None."
    return f"{sum(numbers)} in all; most: {most}, {labels[list(numbers).index(most)]}."
