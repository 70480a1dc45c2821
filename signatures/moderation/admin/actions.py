"""Admin actions on signatures: approve, reject, hold, ask, feature, dismiss a report, undo; and their messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ActionLocation, helpers
from django.core.cache import cache
from django.db.models import F, QuerySet, Value
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import pluralize

from campaign.letters.forms import as_id
from signatures import tasks
from signatures.audit import audit_log
from signatures.audit.admin_mixins import staff_id
from signatures.models import Question, RejectionReason, Signature, SignatureQuerySet
from signatures.moderation import decisions, featured, own_decisions, reports, undo_runs
from signatures.moderation.admin.conflicts import conflict_messages
from signatures.moderation.decisions import DecisionResult
from signatures.registries import AuditAction
from signatures.states import State
from signatures.transitions import TransitionNotAllowed

EVERYWHERE = [ActionLocation.CHANGE_LIST, ActionLocation.CHANGE_FORM]
EMPTY_CHOICE = ("", "---------")
CHOICES_CACHE_SECONDS = 30


def page_audit_id(request: HttpRequest) -> int | None:
    """Returns the newest audit entry at the time when the posted page was made; None if the page does not say."""
    return as_id(request.POST.get("as_of"))


@dataclass(frozen=True, slots=True)
class Selection:
    """The signatures that an action is applied to, and how many were ticked; None: all that a search found."""

    rows: SignatureQuerySet
    ticked: int | None

    @classmethod
    def of_one(cls, signature_id: int) -> Selection:
        return cls(Signature.objects.filter(pk=signature_id), 1)

    @classmethod
    def posted(cls, request: HttpRequest, queryset: QuerySet[Signature]) -> Selection:
        """Returns what was chosen on the page from which an action was posted.

        Ticked signatures are looked up by id alone, without the filters of the list. Those that somebody else decided
        meanwhile are therefore still found, and reported.
        """
        ticked = request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)
        if ticked and request.POST.get("select_across") != "1":
            ids = [signature_id for signature_id in map(as_id, ticked) if signature_id is not None]
            return cls(Signature.objects.filter(pk__in=ids), len(ticked))
        return cls(Signature.objects.filter(pk__in=queryset.order_by().values("pk")), None)


def _choices() -> dict[str, list[tuple[str, Any]]]:
    """Returns the choices of the fields `reason` and `question`; a new one is among them half a minute later."""
    return cache.get_or_set("admin-decision-choices", _read_choices, CHOICES_CACHE_SECONDS) or {}


def _read_choices() -> dict[str, list[tuple[str, Any]]]:
    columns = ("field", "place", "value", "text")
    reasons = RejectionReason.objects.annotate(field=Value("reason"), value=F("text"))
    questions = Question.objects.filter(language="en").annotate(
        field=Value("question"), place=Value(0), value=F("code")
    )
    rows = reasons.order_by().values_list(*columns).union(questions.order_by().values_list(*columns))
    choices: dict[str, list[tuple[str, Any]]] = {"reason": [EMPTY_CHOICE], "question": [EMPTY_CHOICE]}
    for field, _place, value, text in rows.order_by(*columns):
        choices[field].append((value, text))
    return choices


class DecisionForm(helpers.ActionForm):
    # Not a ChoiceField: a reason that was deleted from the list meanwhile is still accepted.
    reason = forms.CharField(label="Reason (for a rejection)", required=False, max_length=200, widget=forms.Select)
    question = forms.CharField(label="Question (to ask)", required=False, max_length=40, widget=forms.Select)
    own_words = forms.CharField(label="or own words (to hold: a note)", required=False, max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field, choices in _choices().items():
            self.fields[field].widget.choices = choices


def _with_as_of(context: dict[str, Any] | None) -> dict[str, Any]:
    """Returns the context with the newest audit entry before the rows are read: what happens in between is not seen."""
    return context if context and "as_of" in context else {"as_of": audit_log.newest_id(), **(context or {})}


class DecisionActions(admin.ModelAdmin):
    """The actions of all pages that list signatures."""

    action_form: ClassVar[type[helpers.ActionForm]] = DecisionForm
    seen: frozenset[State] | None = None  # the states in which this page shows signatures; None: any

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, _with_as_of(extra_context))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().change_view(request, object_id, form_url, _with_as_of(extra_context))

    @admin.action(description="Approve", permissions=["moderate"], location=EVERYWHERE)
    def approve(self, request: HttpRequest, queryset: QuerySet[Signature]) -> None:
        self._decide(request, AuditAction.APPROVE, Selection.posted(request, queryset))

    @admin.action(description="Reject (give a reason)", permissions=["moderate"], location=EVERYWHERE)
    def reject(self, request: HttpRequest, queryset: QuerySet[Signature]) -> None:
        self._decide(request, AuditAction.REJECT, Selection.posted(request, queryset))

    @admin.action(description="Hold", permissions=["moderate"], location=EVERYWHERE)
    def hold(self, request: HttpRequest, queryset: QuerySet[Signature]) -> None:
        self._decide(request, AuditAction.HOLD, Selection.posted(request, queryset))

    @admin.action(description="Feature", permissions=["moderate"], location=EVERYWHERE)
    def feature(self, request: HttpRequest, queryset: QuerySet[Signature]) -> None:
        self._apply(request, Selection.posted(request, queryset), featured.feature)

    @admin.action(description="Feature no longer", permissions=["moderate"], location=EVERYWHERE)
    def unfeature(self, request: HttpRequest, queryset: QuerySet[Signature]) -> None:
        self._apply(request, Selection.posted(request, queryset), featured.unfeature)

    @admin.action(description="Dismiss the report", permissions=["moderate"], location=EVERYWHERE)
    def dismiss_report(self, request: HttpRequest, queryset: QuerySet[Signature]) -> None:
        if done := len(self._apply(request, Selection.posted(request, queryset), reports.dismiss)):
            self.message_user(request, f"{done} report{pluralize(done)} dismissed.")

    @admin.action(description="Ask the signer", permissions=["moderate"], location=EVERYWHERE)
    def ask(self, request: HttpRequest, queryset: QuerySet[Signature]) -> None:
        self._ask(request, Selection.posted(request, queryset))

    @admin.action(description="Undo the last decision", permissions=["moderate"], location=EVERYWHERE)
    def undo(self, request: HttpRequest, queryset: QuerySet[Signature]) -> None:
        self._report_undone(request, len(self._apply(request, Selection.posted(request, queryset), decisions.undo)))

    def undo_my_decision(self, request: HttpRequest) -> list[int]:
        """Undo a decision of the undo history, or the last one. Returns the ids of the restored signatures."""
        by, (first, last) = staff_id(request), self._chosen_decision(request)
        entries = undo_runs.entries_of(by, first, last)
        number = entries.count()
        if number > own_decisions.MAX_UNDONE:
            tasks.undo_decision.enqueue(undo_runs.start(by, first, last))
            text = f"The decision about {number:,} signatures is being undone. The undo history says how many are left."
            self.message_user(request, text)
            return []
        undone = undo_runs.undo_at_once(entries, by=by)
        self._report_undone(request, len(undone))
        if left := sorted({pk for pk in entries.values_list("signature_id", flat=True) if pk} - {*undone}):
            text = (
                f"{len(left)} signature{pluralize(len(left), ' was,s were')} not changed: decided again since, "
                "or changed by somebody else."
            )
            self.message_user(request, text, messages.WARNING)
            for message in conflict_messages(left[: decisions.MAX_NAMED], by=by, as_of=last):
                self.message_user(request, message, messages.WARNING)
        return undone

    def _chosen_decision(self, request: HttpRequest) -> tuple[int, int]:
        """Returns the first and the last audit entry of the decision to undo; an empty range if there is none."""
        first, last = (as_id(number) for number in (*request.POST["undo_mine"].split("-", 1), "")[:2])
        if first is not None and last is not None:
            return first, last
        decision = next(iter(own_decisions.recent_decisions(staff_id(request))), None)
        return (decision.first_entry, decision.last_entry) if decision else (1, 0)

    def _ask(self, request: HttpRequest, selection: Selection) -> list[int]:
        """Ask the chosen question. Returns the ids of the signatures whose signers were asked."""
        question = _posted_value(request, "question")
        if not question:
            self.message_user(request, "Nothing was asked: please choose a question.", messages.ERROR)
            return []
        done = self._apply(request, selection, partial(decisions.ask_question, question=question))
        if done:
            self.message_user(request, f"{len(done)} signer{pluralize(len(done))} asked.")
        if without := len(done) - Signature.objects.with_address().filter(pk__in=done).count():
            text = f"{without} of them cannot be emailed, because no address is kept: their personal page alone asks."
            self.message_user(request, text, messages.WARNING)
        return done

    def _report_undone(self, request: HttpRequest, number: int) -> None:
        if number:
            self.message_user(request, f"{number} decision{pluralize(number)} undone.")

    def _decide(
        self, request: HttpRequest, action: AuditAction, selection: Selection, *, note: str = ""
    ) -> DecisionResult | None:
        """Decide all chosen signatures in one statement, and report the result; None if nothing was decided at all."""
        reason = note if note and action == AuditAction.HOLD else _posted_reason(request, action)
        if action == AuditAction.REJECT and not reason:
            self.message_user(request, "Nothing was changed: a rejection needs a reason.", messages.ERROR)
            return None
        seen = self.seen or {State(state) for state in request.POST.getlist("seen") if state in State.values}
        result = decisions.decide(
            action,
            selection.rows,
            by=staff_id(request),
            reason=reason[:300],
            seen=seen or None,
            as_of=page_audit_id(request),
        )
        if result.decided:
            text = f"{result.decided} signature{pluralize(result.decided)} changed."
            self.message_user(request, text, messages.SUCCESS)
        self._report_refused(request, result.refused, result.refused_ids)
        if result.refused and (own_words := _posted_value(request, "own_words")):
            self.message_user(request, f"Your words were: {own_words}", messages.WARNING)
        self._report_deleted(request, selection, result.decided + result.refused)
        return result

    def _apply(
        self, request: HttpRequest, selection: Selection, action: Callable[..., Any], **arguments: Any
    ) -> list[int]:
        """Apply an action to the chosen signatures one by one, and report those that refuse it.

        Returns the ids of the signatures that it was applied to.
        """
        arguments = {"by": staff_id(request), "as_of": page_audit_id(request), **arguments}
        done: list[int] = []
        refused_ids: list[int] = []
        for signature in selection.rows.only("pk", "letter_id", "kind"):
            try:
                action(signature, **arguments)
                done.append(signature.pk)
            except TransitionNotAllowed:
                refused_ids.append(signature.pk)
        self._report_refused(request, len(refused_ids), refused_ids[: decisions.MAX_NAMED])
        self._report_deleted(request, selection, len(done) + len(refused_ids))
        return done

    def _report_refused(self, request: HttpRequest, refused: int, refused_ids: Sequence[int]) -> None:
        if not refused:
            return
        text = (
            "1 signature was not changed. Somebody decided it meanwhile, or its state does not allow this."
            if refused == 1
            else f"{refused} signatures were not changed. Somebody decided them meanwhile, or their states do not "
            "allow this."
        )
        self.message_user(request, text, messages.WARNING)
        for message in conflict_messages(refused_ids, by=staff_id(request), as_of=page_audit_id(request)):
            self.message_user(request, message, messages.WARNING)

    def _report_deleted(self, request: HttpRequest, selection: Selection, found: int) -> None:
        """Report ticked signatures that their signers have erased since the page was made."""
        deleted = (selection.ticked or 0) - found
        if deleted > 0:
            text = f"{deleted} signature{pluralize(deleted, ' was,s were')} deleted meanwhile."
            self.message_user(request, text, messages.WARNING)


def _posted_value(request: HttpRequest, field: str) -> str:
    """Returns the value of a field of the action form. On the page of one signature Django prefixes its name."""
    return next(filter(None, (request.POST[name].strip() for name in request.POST if name.endswith(field))), "")


def _posted_reason(request: HttpRequest, action: AuditAction) -> str:
    """Returns why a signature is rejected, or the note for colleagues with which it is put aside."""
    if action == AuditAction.APPROVE:
        return ""
    own_words = _posted_value(request, "own_words")
    return own_words or (_posted_value(request, "reason") if action == AuditAction.REJECT else "")
