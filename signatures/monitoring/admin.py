"""The alarms, and the switches beside them. No GET turns a switch: it asks first."""

from collections.abc import Callable
from typing import Any, cast

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
from signatures import tasks, transitions
from signatures.audit.admin_mixins import ReadOnlyAdmin
from signatures.models import Alarm, RateLimit
from signatures.moderation import switches
from signatures.monitoring import alarms
from signatures.registries import AlarmCode
from signatures.staff import sessions
from signatures.staff.admin_site import ask_to_sign_in_again

# Pausing is the safe side and cannot wait for an owner: it hides nobody, and who signed up may still confirm. What
# opens the gates again, and what changes the limits, is an owner's.
PAUSE, TURN = "signatures.pause_signing", "signatures.turn_switches"
OF_LETTER: dict[str, tuple[str, Any, Any, Callable[..., None]]] = {
    "pause": (
        PAUSE,
        "Pause signing",
        "The letter stays readable, and takes no new sign-ups. Who has signed up may still confirm.",
        switches.pause,
    ),
    "resume": (TURN, "Take up signing again", "The letter takes sign-ups again, at once.", switches.resume),
}
OF_LIMITS: dict[str, tuple[str, Any, Any, Callable[..., None]]] = {
    "tighten": (
        TURN,
        "Tighten the limits",
        (
            "What one network and one email domain may do is divided by ten, within ten seconds. Nobody is refused: "
            "what is over it waits for a person."
        ),
        switches.tighten,
    ),
    "loosen": (TURN, "Loosen the limits", "The limits are again as staff have set them.", switches.loosen),
}


@admin.register(Alarm)
class AlarmAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    list_display = ("code", "sentence", "since", "until", "seen_by")
    fields = ("code", "sentence", "advice", "since", "until", "seen_by")
    readonly_fields = fields
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alarm]:
        """Without the one that the worker puts off as long as it is at work."""
        return super().get_queryset(request).exclude(code=AlarmCode.WORKER, until__gt=timezone.now())

    @admin.display(description="what to do")
    def advice(self, alarm: Alarm) -> str:
        return AlarmCode(alarm.code).advice

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        return [
            path("switches/", guarded(self.switches), name="signatures_alarm_switches"),
            path("switches/<str:what>/", guarded(self.switch), name="signatures_alarm_switch"),
            path("switches/<str:what>/<int:letter_id>/", guarded(self.switch), name="signatures_alarm_gate"),
            path("recount/", guarded(require_POST(self.recount)), name="signatures_alarm_recount"),
            path("<slug:code>/seen/", guarded(require_POST(self.seen)), name="signatures_alarm_seen"),
            *super().get_urls(),
        ]

    def switches(self, request: HttpRequest) -> HttpResponse:
        """How the switches stand, and the way to each."""
        self._need(request, "signatures.view_alarm")
        divisors = RateLimit.objects.filter(divisor__gt=1).values_list("divisor", flat=True)
        context = {
            **self.admin_site.each_context(request),
            "title": "Switches",
            "letters": Letter.objects.filter(state__in=[Letter.State.OPEN, Letter.State.PAUSED]).order_by("slug"),
            "divisor": max(divisors, default=1),
            "may_pause": request.user.has_perm(PAUSE),
            "may_turn": request.user.has_perm(TURN),
        }
        return TemplateResponse(request, "admin/signatures/alarm/switches.html", context)

    def switch(self, request: HttpRequest, what: str, letter_id: int | None = None) -> HttpResponse:
        """Ask (GET), then do it (POST)."""
        known = OF_LIMITS if letter_id is None else OF_LETTER
        if what not in known:
            raise Http404
        permission, title, consequence, verb = known[what]
        self._need(request, permission)
        if letter_id is None and not sessions.is_fresh(request):
            return ask_to_sign_in_again(request)
        letter = get_object_or_404(Letter, pk=letter_id) if letter_id is not None else None
        if request.method != "POST":
            context = {"title": title, "consequence": consequence, "letter": letter}
            return TemplateResponse(
                request, "admin/signatures/alarm/switch.html", {**self.admin_site.each_context(request), **context}
            )
        try:
            verb(*([letter] if letter else []), by=_number(request))
        except transitions.TransitionNotAllowed:
            self.message_user(request, "Nothing was changed: it is done already, or not open.", messages.WARNING)
        else:
            self.message_user(request, "Done.", messages.SUCCESS)
        return redirect("admin:signatures_alarm_switches")

    def seen(self, request: HttpRequest, code: str) -> HttpResponse:
        """Take the alarm off the top of the pages, and come back to where one was."""
        self._need(request, "signatures.view_alarm")
        alarms.mark_seen(code, by=_number(request))
        back = request.POST.get("next", "")
        is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts=None)
        return redirect(back if is_ours else "admin:index")

    def recount(self, request: HttpRequest) -> HttpResponse:
        """Let the worker count all signatures anew."""
        self._need(request, "signatures.view_alarm")
        tasks.recount.enqueue(_number(request))
        self.message_user(request, "The worker counts. If a figure is wrong, an alarm says so.")
        return redirect("admin:signatures_alarm_changelist")

    def _need(self, request: HttpRequest, permission: str) -> None:
        if not request.user.has_perm(permission):
            raise PermissionDenied


def _number(request: HttpRequest) -> int:
    """That of who asks: the pages of admin know them."""
    return cast("int", request.user.pk)
