"""The admin pages of signatures: the review queue and the list of all. No page shows an email address."""

from functools import reduce
from operator import and_
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
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
from signatures.audit.admin_mixins import CappedPaginator, LetterFilter, ReadOnlyAdmin, as_id, describe, staff_id
from signatures.audit.view_log import LoggedViews
from signatures.models import AuditEntry, Signature, WaitingSignature
from signatures.moderation.admin.actions import DecisionActions, Selection
from signatures.moderation.admin.filters import CountryFilter, FlagFilter, LanguageFilter, MailboxFilter
from signatures.moderation.rule_origins import Origin, OriginKind
from signatures.registries import AuditAction, Flag
from signatures.registries.typed_fields import BESIDE_NAME
from signatures.states import State
from signatures.values.normalization import name_key

MAX_SIMILAR = 20
MAX_ENTRIES = 50  # on the page of a signature; the audit log has all
BESIDE = "beside"  # the query parameter that chooses the signature of the side panel
DECISIONS = {AuditAction.APPROVE: "Approve", AuditAction.REJECT: "Reject", AuditAction.HOLD: "Hold"}


def _similar_signatures(signature: Signature) -> QuerySet[Signature]:
    """Returns the signatures with the same words in the name, in any order, ignoring case and accents."""
    if not signature.name_key:
        return Signature.objects.none()
    return Signature.objects.filter(name_key=signature.name_key).exclude(pk=signature.pk).order_by("-pk")


class SignatureReviewAdmin(ReadOnlyAdmin, LoggedViews, DecisionActions):
    """What the pages of the review queue, of all signatures and of featured signatures have in common."""

    search_fields: ClassVar[tuple[str, ...]] = ("name_key",)  # shows the search box; see `get_search_results`
    search_help_text = "Beginnings of words in name, role or organization; or the number of a signature."
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    paginator = CappedPaginator
    readonly_fields = ("shown_name", "shown_flags", "similar", "bulk_rule_links", "audit_entries")
    fieldsets = (
        (None, {"fields": ("shown_name", "kind", *BESIDE_NAME)}),
        (
            "State",
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
        ("Similar signatures", {"fields": ("similar", "bulk_rule_links")}),
        ("Audit log", {"fields": ("audit_entries",)}),
    )

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Looks outside the list of this page, too: a link to a waiting signature still works once it is decided."""
        signature_id = as_id(object_id)
        if signature_id is None:
            return None
        found: Any = self.model.objects.select_related("letter", "translation").filter(pk=signature_id).first()
        if found is not None:
            found.viewed_by = staff_id(request)  # for `bulk_rule_links`
        return found

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("signatures.view_signature")

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("signatures.moderate_signature")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Searches the beginnings of words, for which there is an index, or one number."""
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

    @admin.display(description="visibility", ordering="visibility")
    def visibility_code(self, signature: Signature) -> str:
        return signature.visibility

    @admin.display(description="flags", ordering="flags")
    def shown_flags(self, signature: Signature) -> SafeString | str:
        rows = ((flag, Flag(flag).sentence) for flag in signature.flags)
        return format_html_join("", '<span class="flag"><b>{}</b> {}</span>', rows) or "-"

    @admin.display(description="day", ordering="signed_up_at")
    def day(self, signature: Signature) -> str:
        return signature.signed_up_at.date().isoformat()

    @admin.display(description="role, organization")
    def words(self, signature: Signature) -> SafeString:
        lines = ((line,) for line in (signature.role, signature.organization, signature.spokesperson) if line)
        return format_html_join("", "<bdi>{}</bdi><br>", lines) or SafeString("-")

    @admin.display(description="similar signatures")
    def similar(self, signature: Signature) -> SafeString | str:
        rows = (
            (row.pk, row.name, row.organization, row.country, row.state, row.signed_up_at.date())
            for row in _similar_signatures(signature)[:MAX_SIMILAR]
        )
        line = '<li><a href="../../{}/change/"><bdi>{}</bdi></a> · <bdi>{}</bdi> · {} · {} · {}</li>'
        return format_html("<ul>{}</ul>", lines) if (lines := format_html_join("", line, rows)) else "-"

    @admin.display(description="new bulk rule for")
    def bulk_rule_links(self, signature: Any) -> SafeString | str:
        """Links to new bulk rules, for the viewer alone. They do not reveal the email domain or the network."""
        domain, network, mailbox = (Origin(kind, signature.pk).sign(by=signature.viewed_by) for kind in OriginKind)
        conditions = (
            ("similar_to", signature.pk, signature.name_key, "all with these words in the name"),
            ("origin", domain, signature.domains, "all with this email domain"),
            ("origin", network, signature.network, "all from this network"),
            ("origin", mailbox, signature.mailbox, "all from this mailbox"),
        )
        url = reverse("admin:signatures_bulkrule_add")
        rows = (
            (url, signature.letter_id, condition, value, label)
            for condition, value, is_known, label in conditions
            if is_known
        )
        return format_html_join(" ", '<a class="button" href="{}?letter={}&amp;{}={}">{} …</a>', rows) or "-"

    @admin.display(description="audit log")
    def audit_entries(self, signature: Signature) -> SafeString:
        entries = AuditEntry.objects.filter(signature_id=signature.pk)[:MAX_ENTRIES]
        rows = (
            (f"{entry.at:%Y-%m-%d %H:%M}", describe(entry), entry.reason and f"({entry.reason})", entry.staff_id or "-")
            for entry in entries
        )
        lines = format_html_join("", "<li>{} · {} {} · staff {}</li>", rows)
        url = reverse("admin:signatures_auditentry_changelist", query={"signature": signature.pk})
        return format_html('<ul>{}<li><a href="{}">All entries</a></li></ul>', lines, url)


@admin.register(Signature)
class SignatureAdmin(SignatureReviewAdmin):
    """All signatures, in every state."""

    list_display = (
        "shown_name",
        "role",
        "organization",
        "country",
        "state",
        "visibility_code",
        "shown_flags",
        "language",
        "day",
    )
    list_display_links = ("shown_name",)
    list_filter = (
        "state",
        FlagFilter,
        MailboxFilter,
        "visibility",
        "kind",
        LetterFilter,
        CountryFilter,
        LanguageFilter,
        "signed_up_at",
    )
    ordering = ("-signed_up_at",)
    actions = ("approve", "reject", "hold", "dismiss_report", "feature", "unfeature", "undo")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        of_letter = counts.for_letter(as_id(request.GET.get(LetterFilter.parameter_name)))
        context = {
            "counts_by_state": [(state.label, state.value, of_letter.in_state(state)) for state in State],
            "flagged": of_letter.in_state(State.WAITING, flagged=True),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})


class ReviewQueueList(ChangeList):
    """The rows of the review queue. The parameter `beside` opens a side panel, and is not a filter."""

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(request, *args)
        # So that no link of the page, and no search, keeps the panel open.
        for parameters in (self.params, self.filter_params):
            parameters.pop(BESIDE, None)

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        filters: dict[str, Any] = super().get_filters_params(params)
        return {name: value for name, value in filters.items() if name != BESIDE}

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        for row in self.result_list:
            row.beside_query = self.get_query_string({BESIDE: row.pk})


@admin.register(WaitingSignature)
class WaitingSignatureAdmin(SignatureReviewAdmin):
    """The review queue: flagged signatures first, then the oldest. It has keyboard shortcuts where JavaScript runs."""

    list_display = ("shown_name", "words", "origin", "shown_flags", "similar_count", "day", "decision_buttons")
    list_display_links = ("shown_name",)
    list_filter = (FlagFilter, MailboxFilter, "visibility", "kind", LetterFilter, CountryFilter, LanguageFilter)
    ordering = (Case(When(flags=[], then=1), default=0), "signed_up_at", "id")
    sortable_by = ()
    seen = frozenset({State.WAITING})
    actions = ("approve", "reject", "hold", "ask", "feature")

    class Media:
        js = (forms.Script("js/review.js", defer=True),)
        css: ClassVar = {"all": ["css/review.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[WaitingSignature]:
        """Adds how many signatures have the same name key, and the same mailbox; counted for the rows of one page."""
        same = Signature.objects.filter(name_key=OuterRef("name_key")).exclude(name_key="").order_by()
        number = same.values("name_key").annotate(number=Count("pk")).values("number")
        of_mailbox = Signature.objects.filter(mailbox=OuterRef("mailbox")).exclude(mailbox="").order_by()
        in_mailbox = of_mailbox.values("mailbox").annotate(number=Count("pk")).values("number")
        waiting: QuerySet[WaitingSignature] = super().get_queryset(request).filter(state=State.WAITING)
        return waiting.annotate(
            same_name_key=Coalesce(Subquery(number), 1), same_mailbox=Coalesce(Subquery(in_mailbox), 1)
        )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ReviewQueueList

    @admin.display(description="country, language")
    def origin(self, signature: WaitingSignature) -> str:
        return f"{signature.country or '-'} · {signature.language}"

    @admin.display(description="similar")
    def similar_count(self, signature: Any) -> SafeString | int:
        number = signature.same_name_key - 1
        link = '<a href="{}" data-act="beside">{}</a>'
        similar = format_html(link, signature.beside_query, number) if number else 0
        if signature.same_mailbox <= Signature.MAX_PLACES:
            return similar
        cluster = '{}<br><a href="?{}={}">{} from one mailbox</a>'
        return format_html(cluster, similar, MailboxFilter.parameter_name, signature.pk, signature.same_mailbox)

    @admin.display(description="decision")
    def decision_buttons(self, signature: WaitingSignature) -> SafeString:
        buttons = ((f"{action}:{signature.pk}", action, label) for action, label in DECISIONS.items())
        button = '<button type="submit" class="button {1}" name="decide" value="{0}" data-act="{1}">{2}</button>'
        return format_html_join(" ", button, buttons)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "POST" and self.has_moderate_permission(request):
            action, _colon, number = request.POST.get("decide", "").partition(":")
            signature_id = as_id(number)
            if "undo_mine" in request.POST:
                self.undo_my_decision(request)
                return redirect(request.get_full_path())
            if action in DECISIONS and signature_id is not None:
                self._decide(request, AuditAction(action), Selection.of_one(signature_id))
                return redirect(request.get_full_path())
        context = {"may_undo": "last_decision" in request.session, **self._side_panel(request)}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def _side_panel(self, request: HttpRequest) -> dict[str, Any]:
        """Returns the template context of the panel with signatures similar to the chosen one."""
        if BESIDE not in request.GET or not self.has_view_permission(request):
            return {}
        chosen = self.get_object(request, request.GET[BESIDE])
        if chosen is None:
            return {}
        audit_log.record_view(chosen, by=staff_id(request), page="beside")
        return {"beside": chosen, "similar": _similar_signatures(chosen)[:MAX_SIMILAR]}
