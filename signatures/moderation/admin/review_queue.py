"""The review queue: the signatures that wait for a decision. No page shows an email address."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Case, Count, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from campaign.letters.forms import as_id
from signatures.audit import audit_log
from signatures.audit.admin_mixins import LetterFilter, staff_id
from signatures.models import Signature, WaitingSignature
from signatures.moderation.admin.actions import Selection
from signatures.moderation.admin.filters import CountryFilter, FlagFilter, LanguageFilter, MailboxFilter
from signatures.moderation.admin.review import MAX_SIMILAR, SignatureReviewAdmin, similar_signatures
from signatures.registries import AuditAction
from signatures.states import State

BESIDE = "beside"  # the query parameter that chooses the signature of the side panel
DECISIONS = {AuditAction.APPROVE: "Approve", AuditAction.REJECT: "Reject", AuditAction.HOLD: "Hold"}


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
        return {"beside": chosen, "similar": similar_signatures(chosen)[:MAX_SIMILAR]}
