"""The review queue: the signatures that wait for a decision. No page shows an email address."""

from collections.abc import Collection, Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.defaultfilters import pluralize
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString

from campaign.letters.forms import as_id
from signatures.audit import audit_log
from signatures.audit.admin_mixins import LetterFilter, staff_id
from signatures.models import Signature, WaitingSignature
from signatures.moderation import clusters, own_decisions, page_claims, queue_mail, undo_runs
from signatures.moderation.admin.actions import Selection
from signatures.moderation.admin.filters import (
    FLAG_OF_TAB,
    CountryFilter,
    FlagFilter,
    LanguageFilter,
    MailboxFilter,
    Tab,
    TabFilter,
)
from signatures.moderation.admin.review import MAX_SIMILAR, similar_signatures
from signatures.moderation.admin.review_queue_list import BESIDE, ReviewQueueList
from signatures.moderation.admin.signature_page import WaitingSignaturePage
from signatures.registries import AuditAction, Flag
from signatures.states import State

DECISIONS = {AuditAction.APPROVE: "Approve", AuditAction.REJECT: "Reject", AuditAction.HOLD: "Hold"}
LEFT_OUT = "left out of a batch"  # the note on exceptions


@admin.register(WaitingSignature)
class WaitingSignatureAdmin(WaitingSignaturePage):
    """The review queue: flagged signatures first, then the oldest. Where JavaScript runs, no decision loads a page."""

    list_display = ("who", "comment_words", "origin", "short_flags", "in_common", "decision_buttons")
    list_display_links = None
    empty_value_display = ""
    list_filter = (
        TabFilter,
        FlagFilter,
        MailboxFilter,
        "visibility",
        "kind",
        LetterFilter,
        CountryFilter,
        LanguageFilter,
    )
    list_select_related = ("letter",)
    sortable_by = ()
    show_facets = admin.ShowFacets.NEVER
    seen = frozenset({State.WAITING})
    actions = ("approve", "reject", "hold", "ask", "feature")

    class Media:
        js = (forms.Script("js/review.js", defer=True),)
        css: ClassVar = {"all": ["css/review.css", "css/review_queue.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[WaitingSignature]:
        """Adds how many signatures have the same name key, and the same mailbox; counted for the rows of one page."""
        waiting: QuerySet[WaitingSignature] = super().get_queryset(request).filter(state=State.WAITING)
        return waiting.annotate(
            same_name_key=clusters.CountSame("name_key"), same_mailbox=clusters.CountSame("mailbox")
        )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ReviewQueueList

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        if Tab.of(request) not in FLAG_OF_TAB:
            return self.list_display
        return (*self.list_display[:1], "note", *self.list_display[1:])

    @admin.display(description="name")
    def who(self, signature: Any) -> SafeString:
        words = [word for word in (signature.role, signature.organization, signature.spokesperson) if word]
        url = reverse("admin:signatures_waitingsignature_change", args=[signature.pk])
        below = format_html_join(" · ", "<bdi>{}</bdi>", ((word,) for word in words))
        link = format_html('<a href="{}">{}</a>', url, self.shown_name(signature))
        return format_html('{}<small class="words">{}</small>', link, below) if words else link

    @admin.display(description="comment")
    def comment_words(self, signature: WaitingSignature) -> SafeString | str:
        return format_html('<bdi class="comment">{}</bdi>', signature.comment) if signature.comment else ""

    @admin.display(description="letter, country, day")
    def origin(self, signature: WaitingSignature) -> SafeString:
        where = " · ".join(filter(None, (signature.country, signature.language, self.day(signature))))
        return format_html('<bdi class="letter">{}</bdi><small>{}</small>', signature.letter.slug, where)

    @admin.display(description="flags")
    def short_flags(self, signature: WaitingSignature) -> SafeString:
        rows = ((flag, Flag(flag).sentence) for flag in signature.flags)
        flag = '<span class="flag" tabindex="0">{}<span class="sentence" role="tooltip">{}</span></span>'
        return format_html_join(" ", flag, rows)

    @admin.display(description="alike")
    def in_common(self, signature: Any) -> SafeString:
        """What the row has in common with others, as short labels with a sentence: never which mailbox or network."""
        found: list[SafeString] = []
        sentence = '<span class="sentence" role="tooltip">{}</span>'
        label = format_html('<span class="flag" tabindex="0">{{}} {{}}{}</span>', SafeString(sentence))
        link = format_html('<a class="flag" href="{{}}"{{}}>{{}} {{}}{}</a>', SafeString(sentence))
        if (number := signature.same_mailbox) > Signature.MAX_PLACES:
            of_mailbox = f"?{MailboxFilter.parameter_name}={signature.pk}"
            words = f"{clusters.shown(number)} from one mailbox holder"
            found.append(format_html(link, of_mailbox, "", "mailbox", clusters.short(number), words))
        if signature.same_name:
            act = SafeString(' data-act="beside"')
            words, others = f"{signature.same_name} of the same name", clusters.short(signature.same_name_key - 1)
            found.append(format_html(link, signature.beside_query, act, "name", others, words))
        if (number := signature.in_network) > 1:
            words = f"one network (/48): {clusters.shown(number)} wait"
            found.append(format_html(label, "network", clusters.short(number), words))
        if (number := signature.with_comment) > 1:
            words = f"same words: {clusters.shown(number)} wait"
            found.append(format_html(label, "words", clusters.short(number), words))
        return format_html_join(" ", "{}", ((each,) for each in found))

    @admin.display(description="note")
    def note(self, signature: Any) -> SafeString | str:
        if signature.put_aside is None:
            return "-"
        entry = signature.put_aside
        at = f"{entry.at:%Y-%m-%d %H:%M} UTC"
        cell = '<bdi class="comment">{}</bdi><small>{}, {}</small>'
        return format_html(cell, entry.reason or "(no note)", signature.put_aside_by, at)

    @admin.display(description="decision")
    def decision_buttons(self, signature: WaitingSignature) -> SafeString:
        buttons = (
            (f"{action}:{signature.pk}", action, label)
            for action, label in DECISIONS.items()
            if action not in signature.flags
        )
        button = '<button type="submit" class="button {1}" name="decide" value="{0}" data-act="{1}">{2}</button>'
        return format_html_join(" ", button, buttons)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        is_post = request.method == "POST" and self.has_moderate_permission(request)
        if is_post and (response := self._own_post(request)) is not None:
            return response
        by = staff_id(request)
        overview = page_claims.overview(by=by)
        context = {
            "title": "Review queue",
            "as_of": overview.as_of,
            "overview": overview,
            **_history(by),
            "may_moderate": self.has_moderate_permission(request),
            "progress": own_decisions.progress_of_today(),
            **self._side_panel(request),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def _own_post(self, request: HttpRequest) -> HttpResponse | None:
        """Answers the buttons of the queue itself; None if the form is one of Django's admin."""
        if "undo_mine" in request.POST:
            return self._answer(request, self.undo_my_decision(request))
        if "daily_mail" in request.POST:
            self._choose_mail(request)
            return redirect(request.get_full_path())
        if "approve_page" in request.POST:
            self._approve_page(request)
            return redirect(request.get_full_path())
        action, _colon, number = request.POST.get("decide", "").partition(":")
        ticked = [number]
        if "decide" not in request.POST and _is_asked_by_script(request):  # the bar of bulk actions
            action, ticked = request.POST.get("action", ""), request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)
        chosen = _ids(ticked)
        if action not in {*DECISIONS, AuditAction.ASK} or not chosen:
            return None
        return self._answer(request, self._decide_chosen(request, AuditAction(action), chosen))

    def _decide_chosen(self, request: HttpRequest, action: AuditAction, chosen: list[int]) -> list[int]:
        """Decides these signatures of one page, or asks their signers. Returns the ids of those that it was done to."""
        by = staff_id(request)
        page_claims.keep_claims(by, chosen[0])
        selection = Selection(Signature.objects.filter(pk__in=chosen), len(chosen))
        if action == AuditAction.ASK:
            return self._ask(request, selection)
        result = self._decide(request, action, selection)
        if result is None or result.first_entry is None or result.last_entry is None:
            return []
        return audit_log.signatures_changed_by(by, result.first_entry, result.last_entry)

    def _answer(self, request: HttpRequest, changed: Collection[int]) -> HttpResponse:
        """Sends the page again, or, to its script, what changed, what to say, and the history and counts anew."""
        if not _is_asked_by_script(request):
            return redirect(request.get_full_path())
        by = staff_id(request)
        history = _history(by)
        said = [
            {"level": message.level_tag, "html": conditional_escape(message.message)}
            for message in messages.get_messages(request)
        ]
        return JsonResponse(
            {
                "changed": list(changed),
                "messages": said,
                "undo": history["history"][0].key if history["history"] else "",
                "put_aside": page_claims.overview(by=by).put_aside,
                "history": self._part(request, "history", **history),
                "progress": self._part(
                    request, "progress", progress=own_decisions.progress_of_today(anew=bool(changed))
                ),
            }
        )

    @staticmethod
    def _part(request: HttpRequest, name: str, **context: Any) -> str:
        return render_to_string(f"admin/signatures/waitingsignature/{name}.html", context, request)

    def _choose_mail(self, request: HttpRequest) -> None:
        is_wanted = request.POST["daily_mail"] == "on"
        if is_wanted and not request.user.email:  # type: ignore[union-attr]  # only staff open this page
            self.message_user(request, "Your account has no email address: an owner can add it.", messages.ERROR)
            return
        queue_mail.choose(staff_id(request), is_wanted=is_wanted)
        text = "Each morning an email tells you how many wait." if is_wanted else "The daily email is off."
        self.message_user(request, text, messages.SUCCESS)

    def _approve_page(self, request: HttpRequest) -> None:
        """Approves a batch. Exceptions are put aside, so that they do not come back with the next one.

        What a colleague has open by now is that colleague's.
        """
        shown, left_out = ({*_ids(request.POST.getlist(name))} for name in ("shown", "left_out"))
        if taken := page_claims.open_at_others(shown, by=staff_id(request)):
            text = f"{len(taken)} signature{pluralize(len(taken))} left undecided: a colleague opened that page since."
            self.message_user(request, text, messages.WARNING)
            shown -= taken
        for action, chosen in ((AuditAction.HOLD, shown & left_out), (AuditAction.APPROVE, shown - left_out)):
            if chosen:
                rows = Signature.objects.filter(pk__in=chosen)
                self._decide(request, action, Selection(rows, len(chosen)), note=LEFT_OUT)

    def _side_panel(self, request: HttpRequest) -> dict[str, Any]:
        """Returns the template context of the panel with signatures similar to the chosen one."""
        if BESIDE not in request.GET or not self.has_view_permission(request):
            return {}
        chosen = self.get_object(request, request.GET[BESIDE])
        if chosen is None:
            return {}
        audit_log.record_view(chosen, by=staff_id(request), page="beside")
        return {
            "beside": chosen,
            "flag_sentences": [(flag, Flag(flag).sentence) for flag in chosen.flags],
            "similar": similar_signatures(chosen)[:MAX_SIMILAR],
        }


def _history(by: int) -> dict[str, Any]:
    decided = own_decisions.history_of(by)
    return {"history": decided.decisions, "undoings": undo_runs.recent(by) if decided.has_runs else []}


def _ids(numbers: Iterable[str]) -> list[int]:
    return [signature_id for number in numbers if (signature_id := as_id(number)) is not None]


def _is_asked_by_script(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"
