"""The admin pages of alarms, and of the switches beside them. A switch asks for confirmation on a page of its own."""

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from campaign.models import Letter
from signatures import tasks
from signatures.audit.admin_mixins import ReadOnlyAdmin, staff_id
from signatures.audit.staff_names import staff_column
from signatures.models import Alarm, RateLimit, Switch
from signatures.moderation import switches
from signatures.monitoring import alarms
from signatures.outbox import holding
from signatures.registries import AlarmCode
from signatures.staff import sessions
from signatures.staff.fresh_sign_in import ask_to_sign_in_again
from signatures.transitions import TransitionNotAllowed

# Moderators may turn what is safe and may be urgent: it hides and refuses nobody, and whoever has signed up can still
# confirm. Turning it back, and changing the limits, needs an owner.
PAUSE, TURN = "signatures.pause_signing", "signatures.turn_switches"

# Each switch: who may turn it, and the action. Its title and what it does are in `switches.toml`.
LETTER_SWITCHES: dict[str, tuple[str, Callable[..., None]]] = {
    "pause": (PAUSE, switches.pause),
    "resume": (TURN, switches.resume),
}
SITE_SWITCHES: dict[str, tuple[str, Callable[..., None]]] = {
    "tighten": (TURN, switches.tighten),
    "loosen": (TURN, switches.loosen),
    "pause-flagged-mail": (PAUSE, switches.pause_flagged_mail),
    "resume-flagged-mail": (TURN, switches.resume_flagged_mail),
    "send-again": (PAUSE, switches.send_again),
    "ask-for-work": (PAUSE, switches.ask_for_work),
    "stop-asking-for-work": (TURN, switches.stop_asking_for_work),
}
# Those of `Switch`: the names of the two switches that turn it on and off.
FLOOD_SWITCHES = {
    Switch.Code.PROOF_OF_WORK: ("ask-for-work", "stop-asking-for-work"),
    Switch.Code.PAUSE_FLAGGED_MAIL: ("pause-flagged-mail", "resume-flagged-mail"),
}
SEEN_BY = staff_column("seen_by", "seen by")
_TEXTS = tomllib.loads(Path(__file__).with_name("switches.toml").read_text(encoding="utf-8"))


@admin.register(Alarm)
class AlarmAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    list_display = ("code", "sentence", "since", "until", SEEN_BY)
    fields = ("code", "sentence", "advice", "since", "until", SEEN_BY)
    readonly_fields = fields
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alarm]:
        """Leaves out the alarm about the worker while the worker runs, and so keeps moving it into the future."""
        return super().get_queryset(request).exclude(code=AlarmCode.WORKER, until__gt=timezone.now())

    @admin.display(description="what to do")
    def advice(self, alarm: Alarm) -> str:
        return AlarmCode(alarm.code).advice

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        turn, turn_of_letter = "switches/<str:name>/", "switches/<str:name>/<int:letter_id>/"
        return [
            path("switches/", wrap(self.switches_page), name="signatures_alarm_switches"),
            path(turn, wrap(self.switch_page), name="signatures_alarm_switch"),
            path(turn_of_letter, wrap(self.switch_page), name="signatures_alarm_letter_switch"),
            path("recount/", wrap(require_POST(self.recount)), name="signatures_alarm_recount"),
            path("<slug:code>/seen/", wrap(require_POST(self.mark_seen)), name="signatures_alarm_seen"),
            *super().get_urls(),
        ]

    def switches_page(self, request: HttpRequest) -> HttpResponse:
        """All switches with their positions, and a link to the page of each."""
        _require(request, "signatures.view_alarm")
        divisors = RateLimit.objects.filter(divisor__gt=1).values_list("divisor", flat=True)
        context = {
            **self.admin_site.each_context(request),
            "title": "Switches",
            "letters": Letter.objects.filter(state__in=[Letter.State.OPEN, Letter.State.PAUSED]).order_by("slug"),
            "divisor": max(divisors, default=1),
            "flood_switches": list(_flood_switches(request)),
            "hold": holding.current(),
        }
        return TemplateResponse(request, "admin/signatures/alarm/switches.html", context)

    def switch_page(self, request: HttpRequest, name: str, letter_id: int | None = None) -> HttpResponse:
        """GET asks for confirmation, POST turns the switch."""
        available = SITE_SWITCHES if letter_id is None else LETTER_SWITCHES
        if name not in available:
            raise Http404
        permission, action = available[name]
        _require(request, permission)
        if letter_id is None and permission == TURN and not sessions.is_fresh(request):
            return ask_to_sign_in_again(request)
        letter = get_object_or_404(Letter, pk=letter_id) if letter_id is not None else None
        if request.method != "POST":
            context = {**self.admin_site.each_context(request), **_TEXTS[name], "letter": letter}
            context["leave_to"] = "admin:signatures_alarm_switches"
            return TemplateResponse(request, "admin/ask_first.html", context)
        try:
            action(*([letter] if letter else []), by=staff_id(request))
        except TransitionNotAllowed:
            text = "Nothing was changed: the switch has been turned already, or the letter is not open."
            self.message_user(request, text, messages.WARNING)
        else:
            self.message_user(request, "Done.", messages.SUCCESS)
        return redirect("admin:signatures_alarm_switches")

    def mark_seen(self, request: HttpRequest, code: str) -> HttpResponse:
        """Hide the alarm from the top of all pages, and return to the page from which this was posted."""
        _require(request, "signatures.view_alarm")
        alarms.mark_seen(code, by=staff_id(request))
        next_url = request.POST.get("next", "")
        is_local = url_has_allowed_host_and_scheme(next_url, allowed_hosts=None)
        return redirect(next_url if is_local else "admin:index")

    def recount(self, request: HttpRequest) -> HttpResponse:
        """Ask the worker to recount all signatures."""
        _require(request, "signatures.view_alarm")
        tasks.recount.enqueue(staff_id(request))
        self.message_user(request, "The worker is counting. If a count is wrong, it raises an alarm.")
        return redirect("admin:signatures_alarm_changelist")


def _flood_switches(request: HttpRequest) -> Iterator[dict[str, Any]]:
    """Yields each switch against a flood: its position, what turns it, and whether this member of staff may."""
    on = set(Switch.objects.filter(is_on=True).values_list("code", flat=True))
    for code, names in FLOOD_SWITCHES.items():
        name = names[code in on]
        yield {
            "label": code.label,
            "is_on": code in on,
            "name": name,
            "title": _TEXTS[name]["title"],
            "may_turn": request.user.has_perm(SITE_SWITCHES[name][0]),
        }


def _require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied
