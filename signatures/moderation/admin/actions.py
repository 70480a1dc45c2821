"""What staff may do with the signatures they chose: the actions, and what is told of each."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import ActionLocation, helpers
from django.db.models import F, QuerySet, Value
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import pluralize

from signatures import transitions
from signatures.audit import audit_log
from signatures.models import Question, RejectionReason, Signature, SignatureQuerySet
from signatures.moderation import conflicts, decisions, featured, reports
from signatures.registries import AuditAction
from signatures.states import State

EVERYWHERE = [ActionLocation.CHANGE_LIST, ActionLocation.CHANGE_FORM]
MOST_UNDONE = 500  # a decision about more than these is taken back by an invalidation


def staff_id(request: HttpRequest) -> int:
    """That of who asks: the pages of admin know them."""
    return cast("int", request.user.pk)


def page_audit_id(request: HttpRequest) -> int | None:
    """The newest entry of the trail when the page was made on which this was decided; None where it does not say."""
    said = request.POST.get("as_of", "")
    return int(said) if said.isdecimal() and len(said) < 19 else None


def _choices() -> dict[str, list[tuple[str, Any]]]:
    """The reasons and the questions that staff may choose, in one statement."""
    fields = ("of", "place", "value", "text")
    reasons = RejectionReason.objects.annotate(of=Value("reason"), value=F("text")).values_list(*fields)
    questions = Question.objects.filter(language="en").annotate(of=Value("question"), place=Value(0), value=F("code"))
    found: dict[str, list[tuple[str, Any]]] = {"reason": [("", "---------")], "question": [("", "---------")]}
    for of, _place, value, text in (
        reasons.order_by().union(questions.order_by().values_list(*fields)).order_by(*fields)
    ):
        found[of].append((value, text))
    return found


class DecisionForm(helpers.ActionForm):
    # No ChoiceField: a reason that was taken off the list meanwhile is still one.
    reason = forms.CharField(label="Reason (for a rejection)", required=False, max_length=200, widget=forms.Select)
    question = forms.CharField(label="Question (to ask)", required=False, max_length=40, widget=forms.Select)
    own_words = forms.CharField(
        label="or own words",
        required=False,
        max_length=200,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Asked once: the bar stands above the list and below it.
        for field, choices in _choices().items():
            self.fields[field].widget.choices = choices


class DecisionActions(admin.ModelAdmin):
    """The actions of the desks."""

    action_form: ClassVar[type[helpers.ActionForm]] = DecisionForm
    seen: frozenset[State] | None = None  # the states in which this desk shows signatures; None: any

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        # Asked before the rows are read: what is done in between counts as not seen.
        return super().changelist_view(request, {"as_of": audit_log.newest_id(), **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"as_of": audit_log.newest_id(), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def _decide(self, request: HttpRequest, chosen: QuerySet[Signature], action: AuditAction, reason: str = "") -> None:
        """Decide, tell what became of it, and keep what an undo needs."""
        seen = self.seen or {State(name) for name in request.POST.getlist("seen") if name in State.values} or None
        which = cast("SignatureQuerySet", self._chosen(request, chosen))
        done = decisions.decide(
            action, which, by=staff_id(request), reason=reason, seen=seen, as_of=page_audit_id(request)
        )
        if done.done:
            request.session["last_decision"] = [done.first, done.last]
            words = f"{done.done} signature{pluralize(done.done)} changed."
            self.message_user(request, words, messages.SUCCESS, extra_tags="undoable")
        self._tell_refused(request, done.refused, done.left)
        self._tell_gone(request, done.done + done.refused)

    @staticmethod
    def _chosen(request: HttpRequest, chosen: QuerySet[Signature]) -> QuerySet[Signature]:
        numbers = request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)
        if numbers and request.POST.get("select_across") != "1":
            # By number, so that what somebody else decided meanwhile is not passed over in silence.
            return Signature.objects.filter(pk__in=[number for number in numbers if number.isdecimal()])
        return Signature.objects.filter(pk__in=chosen.order_by().values("pk"))

    def _each(self, request: HttpRequest, chosen: QuerySet[Signature], verb: Callable[[Signature], Any]) -> int:
        """Do it with each of these; how many it was done with. Of the others staff are told."""
        done, left = 0, []
        for signature in chosen.only("pk", "letter_id", "kind"):
            try:
                verb(signature)
                done += 1
            except transitions.TransitionNotAllowed:
                left.append(signature.pk)
        self._tell_refused(request, len(left), left[: decisions.MAX_NAMED])
        self._tell_gone(request, done + len(left))
        return done

    def _tell_gone(self, request: HttpRequest, found: int) -> None:
        """Of those that were chosen one by one, and erased by their signers before this came."""
        numbers = request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)
        gone = 0 if request.POST.get("select_across") == "1" else len(numbers) - found
        if gone > 0:
            words = f"{gone} signature{pluralize(gone, ' is,s are')} gone meanwhile."
            self.message_user(request, words, messages.WARNING)

    def _tell_refused(self, request: HttpRequest, refused: int, left: Sequence[int] = ()) -> None:
        if refused:
            were = "was: somebody decided it" if refused == 1 else "were: somebody decided them"
            words = (
                f"{refused} signature{pluralize(refused)} left as {'it' if refused == 1 else 'they'} {were} meanwhile, "
            )
            words += f"or {'its' if refused == 1 else 'their'} state does not allow this."
            self.message_user(request, words, messages.WARNING)
            for line in conflicts.conflict_messages(left, by=staff_id(request), as_of=page_audit_id(request)):
                self.message_user(request, line, messages.WARNING)

    def _undo(self, request: HttpRequest, chosen: QuerySet[Signature], as_of: int | None) -> None:
        if done := self._each(request, chosen, partial(decisions.undo, by=staff_id(request), as_of=as_of)):
            self.message_user(request, f"{done} decision{pluralize(done)} undone.")

    @admin.action(description="Approve", permissions=["moderate"], location=EVERYWHERE)
    def approve(self, request: HttpRequest, chosen: QuerySet[Signature]) -> None:
        self._decide(request, chosen, AuditAction.APPROVE)

    @admin.action(description="Reject (give a reason)", permissions=["moderate"], location=EVERYWHERE)
    def reject(self, request: HttpRequest, chosen: QuerySet[Signature]) -> None:
        # On the form of one signature Django puts its prefix before the name of the field. Own words go first.
        fields = ("own_words", "reason")
        typed = (request.POST[name].strip() for end in fields for name in request.POST if name.endswith(end))
        reason = next(filter(None, typed), "")
        if not reason:
            self.message_user(request, "Nothing was changed: a rejection needs a reason.", messages.ERROR)
            return
        self._decide(request, chosen, AuditAction.REJECT, reason[:300])

    @admin.action(description="Hold", permissions=["moderate"], location=EVERYWHERE)
    def hold(self, request: HttpRequest, chosen: QuerySet[Signature]) -> None:
        self._decide(request, chosen, AuditAction.HOLD)

    @admin.action(description="Feature as featured_position", permissions=["moderate"], location=EVERYWHERE)
    def feature(self, request: HttpRequest, chosen: QuerySet[Signature]) -> None:
        self._mark(request, chosen, off=False)

    @admin.action(description="Feature no longer", permissions=["moderate"], location=EVERYWHERE)
    def unfeature(self, request: HttpRequest, chosen: QuerySet[Signature]) -> None:
        self._mark(request, chosen, off=True)

    @admin.action(description="Reported, but it stays", permissions=["moderate"], location=EVERYWHERE)
    def let_stand(self, request: HttpRequest, chosen: QuerySet[Signature]) -> None:
        verb = partial(reports.dismiss, by=staff_id(request), as_of=page_audit_id(request))
        if done := self._each(request, self._chosen(request, chosen), verb):
            self.message_user(request, f"{done} name{pluralize(done, ' stays,s stay')}.")

    def _mark(self, request: HttpRequest, chosen: QuerySet[Signature], *, off: bool) -> None:
        verb = partial(featured.feature, by=staff_id(request), off=off, as_of=page_audit_id(request))
        self._each(request, self._chosen(request, chosen), verb)

    @admin.action(description="Undo the last decision", permissions=["moderate"], location=EVERYWHERE)
    def undo(self, request: HttpRequest, chosen: QuerySet[Signature]) -> None:
        self._undo(request, self._chosen(request, chosen), page_audit_id(request))

    def _undo_mine(self, request: HttpRequest) -> None:
        """Take back the last decision that was made here, whatever it was about."""
        first, last = request.session.pop("last_decision", None) or (1, 0)
        entries = audit_log.signatures_changed_by(staff_id(request), first, last)
        if len(entries) > MOST_UNDONE:
            self.message_user(
                request, "Too many to undo at once; choose them in the list of all signatures.", messages.ERROR
            )
            return
        # It takes back what was decided, and nothing that anybody else did since.
        self._undo(request, Signature.objects.filter(pk__in=entries), last)

    @admin.action(description="Ask the signer", permissions=["moderate"], location=EVERYWHERE)
    def ask(self, request: HttpRequest, chosen: QuerySet[Signature]) -> None:
        question = next((request.POST[name] for name in request.POST if name.endswith("question")), "")
        if not question:
            self.message_user(request, "Nothing was asked: please choose a question.", messages.ERROR)
            return
        verb = partial(decisions.ask_question, by=staff_id(request), question=question, as_of=page_audit_id(request))
        if done := self._each(request, self._chosen(request, chosen), verb):
            self.message_user(request, f"{done} signer{pluralize(done)} asked.")
