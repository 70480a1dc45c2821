"""The queue: what staff see of a signature, and what they may decide. No mail address anywhere."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ActionLocation, helpers
from django.core.cache import cache
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django_countries import countries

from signatures import counts, workflow
from signatures.admin.trail import ReadOnly
from signatures.models import Signature, State, TrailEntry

EVERYWHERE = [ActionLocation.CHANGE_LIST, ActionLocation.CHANGE_FORM]


class FlagFilter(admin.SimpleListFilter):
    title = _("flags")
    parameter_name = "flagged"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("flagged")), ("no", _("not flagged"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signature]) -> QuerySet[Signature]:
        match self.value():
            case "yes":
                return queryset.exclude(flags=[])
            case "no":
                return queryset.filter(flags=[])
        return queryset


class CountryFilter(admin.SimpleListFilter):
    """The countries that occur, asked for at most once in five minutes: it is a walk through all rows."""

    title = _("country")
    parameter_name = "country"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        codes = cache.get_or_set(
            "admin-countries",
            lambda: list(
                Signature.objects.exclude(country="").order_by("country").values_list("country", flat=True).distinct()
            ),
            300,
        )
        return [(code, countries.name(code)) for code in codes or []]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signature]) -> QuerySet[Signature]:
        return queryset.filter(country=self.value()) if self.value() else queryset


class DecisionForm(helpers.ActionForm):
    reason = forms.CharField(label=_("Reason (for a rejection):"), required=False, max_length=300)


@admin.register(Signature)
class SignatureAdmin(ReadOnly, admin.ModelAdmin):
    list_display = (
        "shown_name",
        "role",
        "organisation",
        "country",
        "state",
        "audience",
        "shown_flags",
        "language",
        "day",
    )
    list_display_links = ("shown_name",)
    list_filter = ("state", FlagFilter, "visibility", "kind", "letter", CountryFilter, "language", "signed_up_at")
    search_fields = ("name", "role", "organisation")
    ordering = ("-signed_up_at",)
    list_per_page = 50
    show_full_result_count = False
    action_form = DecisionForm
    actions = ("approve", "reject", "undo")
    readonly_fields = ("shown_name", "shown_flags", "trail")
    fieldsets = (
        (None, {"fields": ("shown_name", "kind", "role", "organisation", "country", "comment")}),
        (
            _("Standing"),
            {
                "fields": (
                    "state",
                    "visibility",
                    "shown_flags",
                    "language",
                    "letter",
                    "translation",
                    "signed_up_at",
                    "confirmed_at",
                    "approved_on",
                )
            },
        ),
        (_("Trail"), {"fields": ("trail",)}),
    )

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("signatures.moderate_signature")

    @admin.display(description=_("name"), ordering="name")
    def shown_name(self, signature: Signature) -> SafeString:
        return format_html("<bdi>{}</bdi>", signature.name or _("(counted without a name)"))

    @admin.display(description=_("audience"), ordering="visibility")
    def audience(self, signature: Signature) -> str:
        return signature.visibility

    @admin.display(description=_("flags"), ordering="flags")
    def shown_flags(self, signature: Signature) -> str:
        return ", ".join(signature.flags) or "-"

    @admin.display(description=_("day"), ordering="signed_up_at")
    def day(self, signature: Signature) -> Any:
        return signature.signed_up_at.date()

    @admin.display(description=_("trail"))
    def trail(self, signature: Signature) -> SafeString:
        entries = TrailEntry.objects.filter(signature_id=signature.pk)
        rows = (
            (
                entry.at.strftime("%Y-%m-%d %H:%M"),
                entry.action,
                entry.was,
                entry.now,
                entry.reason,
                entry.staff_id or "-",
            )
            for entry in entries
        )
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{} · {} · {} → {} · {} · staff {}</li>", rows))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        chosen = request.GET.get("letter__id__exact", "")
        figures = counts.of(int(chosen) if chosen.isdecimal() else None)
        standing = [(state.label, state.value, figures.in_state(state)) for state in State]
        return super().changelist_view(
            request,
            {"standing": standing, "flagged": figures.in_state(State.WAITING, flagged=True), **(extra_context or {})},
        )

    @admin.action(description=_("Approve"), permissions=["moderate"], location=EVERYWHERE)
    def approve(self, request: HttpRequest, chosen: QuerySet[Signature]) -> None:
        self._decide(request, chosen, workflow.approve)

    @admin.action(description=_("Reject (give a reason)"), permissions=["moderate"], location=EVERYWHERE)
    def reject(self, request: HttpRequest, chosen: QuerySet[Signature]) -> None:
        # On the form of one signature Django puts its prefix before the name of the field.
        typed = (str(request.POST[name]).strip() for name in request.POST if name.endswith("reason"))
        reason = next(filter(None, typed), "")
        if not reason:
            self.message_user(request, _("Nothing was changed: a rejection needs a reason."), messages.ERROR)
            return
        self._decide(request, chosen, workflow.reject, reason=reason[:300])

    @admin.action(description=_("Undo the last decision"), permissions=["moderate"], location=EVERYWHERE)
    def undo(self, request: HttpRequest, chosen: QuerySet[Signature]) -> None:
        self._decide(request, chosen, workflow.undo)

    def _decide(
        self, request: HttpRequest, chosen: QuerySet[Signature], verb: Callable[..., Signature], **details: str
    ) -> None:
        done = refused = 0
        for signature in chosen.only("pk"):
            try:
                verb(signature, by=request.user.pk, **details)
                done += 1
            except workflow.NotAllowed:
                refused += 1
        if done:
            self.message_user(
                request, ngettext("%d signature changed.", "%d signatures changed.", done) % done, messages.SUCCESS
            )
        if refused:
            words = ngettext(
                "%d signature left as it was: its state does not allow this.",
                "%d signatures left as they were: their state does not allow this.",
                refused,
            )
            self.message_user(request, words % refused, messages.WARNING)
