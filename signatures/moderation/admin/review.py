"""The list of all signatures, and what the review queue has in common with it. No page shows an email address."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from campaign.letters.forms import as_id
from signatures import counts
from signatures.audit.admin_mixins import CappedPaginator, LetterFilter, ReadOnlyAdmin, describe, staff_id
from signatures.audit.staff_names import staff_names
from signatures.audit.view_log import LoggedViews
from signatures.models import AuditEntry, Signature
from signatures.models.signature import SEARCHED_BY_STAFF
from signatures.moderation.admin.actions import DecisionActions
from signatures.moderation.admin.filters import CountryFilter, FlagFilter, LanguageFilter, MailboxFilter
from signatures.moderation.admin.requests import request_links
from signatures.moderation.rule_origins import Origin, OriginKind
from signatures.outbox import suppressions
from signatures.registries import Flag
from signatures.registries.typed_fields import BESIDE_NAME
from signatures.states import State
from signatures.values.normalization import search_words, spellings

MAX_SIMILAR = 20
MAX_ENTRIES = 50  # on the page of a signature; the audit log has all


def similar_signatures(signature: Signature) -> QuerySet[Signature]:
    """Returns the signatures with the same words in the name, in any order, ignoring case and accents."""
    if not signature.name_key:
        return Signature.objects.none()
    return Signature.objects.filter(name_key=signature.name_key).exclude(pk=signature.pk).order_by("-pk")


def _beginning(word: str) -> str:
    """Returns the query for words that begin so."""
    return "'" + word.replace("'", "''").replace("\\", "") + "':*"


class SignatureReviewAdmin(ReadOnlyAdmin, LoggedViews, DecisionActions):
    """What the pages of the review queue, of all signatures and of featured signatures have in common."""

    class Media:
        css: ClassVar = {"all": ["css/review.css"]}

    search_fields: ClassVar[tuple[str, ...]] = ("search_text",)  # shows the search box; see `get_search_results`
    search_help_text = "Beginnings of words in name, role or organization; or the number of a signature."
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    paginator = CappedPaginator
    readonly_fields = (
        "shown_name",
        "signed_up",
        "confirmed",
        "shown_flags",
        "emails",
        "similar",
        "bulk_rule_links",
        "confirmed_by_staff",
        "requests",
        "audit_entries",
    )
    fieldsets = (
        (None, {"fields": ("shown_name", "kind", *BESIDE_NAME)}),
        (
            "State",
            {
                "fields": (
                    "state",
                    "visibility",
                    "hidden_at",
                    "shown_flags",
                    "language",
                    "letter",
                    "translation",
                    "signed_up",
                    "confirmed",
                    "approved_on",
                    "featured_position",
                    "paper",
                    "confirmed_by_staff",
                    "sheet",
                    "emails",
                )
            },
        ),
        ("Similar signatures", {"fields": ("similar", "bulk_rule_links")}),
        ("On request of the signer", {"fields": ("requests",)}),
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
            found.may_answer = request.user.has_perm("signatures.answer_requests")  # for `requests`
        return found

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("signatures.view_signature")

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("signatures.moderate_signature")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Searches the beginnings of words, for which there is an index, or one number."""
        typed = [word for word in search_term.split() if any(map(str.isalnum, word))]
        if not typed:
            return (queryset.none() if search_term.strip() else queryset), False
        if search_term.strip().isdecimal():
            return queryset.filter(pk=search_term.strip()[:18]), False
        # As typed, too: a role is stored so alone.
        ways = [*spellings(search_words(search_term)), typed]
        query = " | ".join(f"({' & '.join(map(_beginning, way))})" for way in ways)
        found = queryset.exclude(search_text="").annotate(found=SearchVector(*SEARCHED_BY_STAFF, config="simple"))
        return found.filter(found=SearchQuery(query, search_type="raw", config="simple")), False

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

    @admin.display(description="signed up")
    def signed_up(self, signature: Signature) -> str:
        return f"{signature.signed_up_at:%Y-%m-%d %H:%M} UTC"

    @admin.display(description="confirmed")
    def confirmed(self, signature: Signature) -> str:
        return f"{signature.confirmed_at:%Y-%m-%d %H:%M} UTC" if signature.confirmed_at else "-"

    @admin.display(description="role, organization")
    def words(self, signature: Signature) -> SafeString:
        lines = ((line,) for line in (signature.role, signature.organization, signature.spokesperson) if line)
        return format_html_join("", "<bdi>{}</bdi><br>", lines) or SafeString("-")

    @admin.display(description="emails")
    def emails(self, signature: Signature) -> SafeString | str:
        """Whether they are stopped, with the page that ends it: the list of stopped addresses names nobody."""
        found = suppressions.active(signature)
        if found is None:
            return "as usual"
        release = reverse("admin:signatures_suppression_release", args=[bytes(found.address_hash).hex()])
        return format_html('stopped: {}. <a href="{}">Release…</a>', found.why, release)

    @admin.display(description="similar signatures")
    def similar(self, signature: Signature) -> SafeString | str:
        rows = (
            (row.pk, row.name, row.organization, row.country, row.state, row.signed_up_at.date())
            for row in similar_signatures(signature)[:MAX_SIMILAR]
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

    @admin.display(description="confirmed on evidence")
    def confirmed_by_staff(self, signature: Signature) -> str:
        return "by staff, in place of the signer" if signature.on_evidence else "-"

    @admin.display(description="requests")
    def requests(self, signature: Any) -> SafeString | str:
        return request_links(signature) if signature.may_answer else "Owners act on them."

    @admin.display(description="audit log")
    def audit_entries(self, signature: Signature) -> SafeString:
        entries = list(AuditEntry.objects.filter(signature_id=signature.pk)[:MAX_ENTRIES])
        names = staff_names(entry.staff_id for entry in entries)
        rows = (
            (
                f"{entry.at:%Y-%m-%d %H:%M} UTC",
                describe(entry),
                entry.reason and f"({entry.reason})",
                names.get(entry.staff_id or 0, "no staff"),
            )
            for entry in entries
        )
        lines = format_html_join("", "<li>{} · {} {} · <bdi>{}</bdi></li>", rows)
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
