"""The desks: what staff see of a signature. No mail address anywhere."""

from functools import reduce
from operator import and_
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin import helpers
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Case, Count, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from signatures import counts
from signatures.audit import audit_log
from signatures.audit.admin import describe
from signatures.audit.admin_mixins import ReadOnlyAdmin
from signatures.audit.view_log import LoggedViews
from signatures.models import AuditEntry, Signature, WaitingSignature
from signatures.moderation.admin.actions import DecisionActions, staff_id
from signatures.moderation.admin.filters import CountryFilter, FlagFilter, LanguageFilter, LetterFilter
from signatures.moderation.admin.pagination import CappedPaginator
from signatures.registries import Flag
from signatures.registries.typed_fields import BESIDE_NAME
from signatures.states import State
from signatures.values.normalization import name_key

ALIKE = 20  # how many that resemble it a page shows
BESIDE_IT = ("letter", "translation")  # what the page of one shows of other rows
ENTRIES = 50  # how many of its trail; the page of the trail shows all
BESIDE = "beside"  # of which signature the side panel shows the resembling ones
DECISIONS = {"approve": "Approve", "reject": "Reject", "hold": "Hold"}


def _alike(signature: Signature) -> QuerySet[Signature]:
    """Who has the same words in the name, in any order and case, with or without accents."""
    if not signature.name_key:
        return Signature.objects.none()
    return Signature.objects.filter(name_key=signature.name_key).exclude(pk=signature.pk).order_by("-pk")


class SignatureReviewAdmin(ReadOnlyAdmin, LoggedViews, DecisionActions):
    """What the queue and the list of all signatures have in common."""

    search_fields: ClassVar[tuple[str, ...]] = ("name_key",)  # shows the box; `get_search_results` looks
    search_help_text = "Beginnings of words in name, role or organization; or the number of a signature."
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    paginator = CappedPaginator
    readonly_fields = ("shown_name", "shown_flags", "similar", "together", "trail")
    fieldsets = (
        (None, {"fields": ("shown_name", "kind", *BESIDE_NAME)}),
        (
            "Standing",
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
                    "featured_position",
                    "paper",
                    "sheet",
                )
            },
        ),
        ("Resembling ones", {"fields": ("similar", "together")}),
        ("Trail", {"fields": ("trail",)}),
    )

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The page of one stays open to whoever came for it, decided or not: it says what became of it."""
        if not object_id.isdecimal() or len(object_id) > 18:
            return None
        return self.model.objects.select_related(*BESIDE_IT).filter(pk=object_id).first()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("signatures.view_signature")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("signatures.moderate_signature")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the beginnings of words, which an index finds among a million."""
        words = name_key(search_term).split()
        if not words:
            return (queryset.none() if search_term.strip() else queryset), False
        if search_term.strip().isdecimal():
            return queryset.filter(pk=search_term.strip()[:18]), False
        quoted = ("'" + word.replace("'", "''").replace("\\", "") + "':*" for word in words)
        query = reduce(and_, (SearchQuery(word, search_type="raw", config="simple") for word in quoted))
        vector = SearchVector("name_key", "role", "organization", config="simple")
        return queryset.exclude(name_key="").annotate(found=vector).filter(found=query), False

    @admin.display(description="name", ordering="name")
    def shown_name(self, signature: Signature) -> SafeString:
        return format_html("<bdi>{}</bdi>", signature.name or "(counted without a name)")

    @admin.display(description="audience", ordering="visibility")
    def audience(self, signature: Signature) -> str:
        return signature.visibility

    @admin.display(description="flags", ordering="flags")
    def shown_flags(self, signature: Signature) -> SafeString | str:
        rows = ((flag, Flag(flag).sentence) for flag in signature.flags)
        return format_html_join("", '<span class="flag"><b>{}</b> {}</span>', rows) or "-"

    @admin.display(description="day", ordering="signed_up_at")
    def day(self, signature: Signature) -> str:
        return signature.signed_up_at.date().isoformat()

    @admin.display(description="role, organization")
    def who(self, signature: Signature) -> SafeString:
        lines = ((line,) for line in (signature.role, signature.organization, signature.spokesperson) if line)
        return format_html_join("", "<bdi>{}</bdi><br>", lines) or SafeString("-")

    @admin.display(description="resembling ones")
    def similar(self, signature: Signature) -> SafeString | str:
        rows = (
            (row.pk, row.name, row.organization, row.country, row.state, row.signed_up_at.date())
            for row in _alike(signature)[:ALIKE]
        )
        line = '<li><a href="../../{}/change/"><bdi>{}</bdi></a> · <bdi>{}</bdi> · {} · {} · {}</li>'
        return format_html("<ul>{}</ul>", lines) if (lines := format_html_join("", line, rows)) else "-"

    @admin.display(description="reject many like it")
    def together(self, signature: Signature) -> SafeString | str:
        """Ways into a rule, without telling which domain or network it is."""
        ways = (
            ("similar_to", signature.name_key, "all with these words in the name"),
            ("domain_of", signature.domains, "all with this email domain"),
            ("network_of", signature.network, "all from this network"),
        )
        add = reverse("admin:signatures_bulkrule_add")
        rows = ((add, signature.letter_id, way, signature.pk, label) for way, is_known, label in ways if is_known)
        return format_html_join(" ", '<a class="button" href="{}?letter={}&amp;{}={}">{} …</a>', rows) or "-"

    @admin.display(description="trail")
    def trail(self, signature: Signature) -> SafeString:
        entries = AuditEntry.objects.filter(signature_id=signature.pk)[:ENTRIES]
        rows = (
            (f"{entry.at:%Y-%m-%d %H:%M}", describe(entry), entry.reason and f"({entry.reason})", entry.staff_id or "-")
            for entry in entries
        )
        lines = format_html_join("", "<li>{} · {} {} · staff {}</li>", rows)
        all_of_it = reverse("admin:signatures_auditentry_changelist", query={"signature": signature.pk})
        return format_html('<ul>{}<li><a href="{}">{}</a></li></ul>', lines, all_of_it, "All of it")


@admin.register(Signature)
class SignatureAdmin(SignatureReviewAdmin):
    """All signatures, in every state."""

    list_display = (
        "shown_name",
        "role",
        "organization",
        "country",
        "state",
        "audience",
        "shown_flags",
        "language",
        "day",
    )
    list_display_links = ("shown_name",)
    list_filter = (
        "state",
        FlagFilter,
        "visibility",
        "kind",
        LetterFilter,
        CountryFilter,
        LanguageFilter,
        "signed_up_at",
    )
    ordering = ("-signed_up_at",)
    actions = ("approve", "reject", "hold", "let_stand", "feature", "unfeature", "undo")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        chosen = request.GET.get(LetterFilter.parameter_name, "")
        figures = counts.for_letter(int(chosen) if chosen.isdecimal() else None)
        standing = [(state.label, state.value, figures.in_state(state)) for state in State]
        flagged = figures.in_state(State.WAITING, flagged=True)
        return super().changelist_view(request, {"standing": standing, "flagged": flagged, **(extra_context or {})})


@admin.register(WaitingSignature)
class WaitingSignatureAdmin(SignatureReviewAdmin):
    """The queue: what needs a person comes first, then the oldest. Keys work where script does."""

    list_display = ("shown_name", "who", "origin", "shown_flags", "alike", "day", "decide")
    list_display_links = ("shown_name",)
    list_filter = (FlagFilter, "visibility", "kind", LetterFilter, CountryFilter, LanguageFilter)
    ordering = (Case(When(flags=[], then=1), default=0), "signed_up_at", "id")
    sortable_by = ()
    seen = frozenset({State.WAITING})
    actions = ("approve", "reject", "hold", "ask", "feature")

    class Media:
        js = (forms.Script("js/review.js", defer=True),)
        css: ClassVar = {"all": ["css/review.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[WaitingSignature]:
        """With how many resemble each: counted for the rows of the page alone."""
        alike = Signature.objects.filter(name_key=OuterRef("name_key")).exclude(name_key="").order_by()
        number = alike.values("name_key").annotate(number=Count("pk")).values("number")
        found: QuerySet[WaitingSignature] = super().get_queryset(request).filter(state=State.WAITING)
        return found.annotate(alike_in_all=Coalesce(Subquery(number), 1))

    @admin.display(description="country, language")
    def origin(self, signature: WaitingSignature) -> str:
        return f"{signature.country or '-'} · {signature.language}"

    @admin.display(description="alike")
    def alike(self, signature: WaitingSignature) -> SafeString | int:
        number = getattr(signature, "alike_in_all", 1) - 1
        link = '<a href="?{}" data-act="beside">{}</a>'
        return format_html(link, getattr(signature, "beside", ""), number) if number else 0

    @admin.display(description="decide")
    def decide(self, signature: WaitingSignature) -> SafeString:
        buttons = ((f"{action}:{signature.pk}", action, label) for action, label in DECISIONS.items())
        button = '<button type="submit" class="button {1}" name="decide" value="{0}" data-act="{1}">{2}</button>'
        return format_html_join(" ", button, buttons)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        found = super().get_changelist_instance(request)
        found.result_list = list(found.result_list)
        for row in found.result_list:
            row.beside = found.get_query_string({BESIDE: row.pk}).removeprefix("?")
        return found

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "POST" and self.has_moderate_permission(request):
            if "undo_mine" in request.POST:
                self._undo_mine(request)
                return redirect(request.get_full_path())
            action, _colon, number = request.POST.get("decide", "").partition(":")
            if action in DECISIONS and number.isdecimal():
                # The button of one row is the action, with this row alone chosen.
                posted = request.POST.copy()
                posted.update({"action": action, "index": "0", "select_across": "0"})
                posted.setlist("action", [action])
                posted.setlist(helpers.ACTION_CHECKBOX_NAME, [number])
                request.POST = posted  # type: ignore[assignment]
        context = {"may_undo": "last_decision" in request.session, **(extra_context or {})}
        asked = request.GET.copy()
        if BESIDE in asked and self.has_view_permission(request):
            # Taken out, because admin knows only its own filters.
            number = asked.pop(BESIDE)[-1]
            request.GET = asked  # type: ignore[assignment]
            chosen = self.get_object(request, number)
            if chosen:
                audit_log.record_view(chosen, by=staff_id(request), page="beside")
            context |= {"beside": chosen, "alike": _alike(chosen)[:ALIKE] if chosen else [], "back": asked.urlencode()}
        return super().changelist_view(request, context)
