"""The page behind the link in the email, as long as what was typed is not confirmed."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaign.letters import text_cache
from campaign.web.responses import see_other
from signatures import transitions
from signatures.models import Signature, Submission
from signatures.signing import confirmation, mailbox_places, personal_data, replacement, sent_words, withdrawal
from signatures.signing.mailbox_places import NoPlace
from signatures.signing.personal_forms import NAME_TAKEN, TOO_MANY_CHANGES, ConfirmForm
from signatures.values import tokens

CHOOSE = _("There is a signature from this mailbox already. Please choose one of the buttons below.")


def page(
    request: HttpRequest,
    submission: Submission,
    form: ConfirmForm | None = None,
    in_the_way: list[Signature] | None = None,
) -> HttpResponse:
    """What was typed, in a form to correct and confirm it, and what the same mailbox has signed already."""
    text = text_cache.newest(submission.letter_id)
    letter = text.revision.letter
    if not letter.takes_confirmations():
        form = None
    elif form is None:
        form = ConfirmForm.of(submission, text)
    kind = (form["kind"].value() if form and form.is_bound else None) or submission.kind
    standing, places = mailbox_places.standing(submission, kind), letter.signers_per_mailbox
    if in_the_way is None:
        in_the_way = mailbox_places.in_the_way(standing, submission.name, places)
    context = {
        "submission": submission, "letter": letter, "translation": text, "form": form, "in_the_way": in_the_way,
        "has_place": mailbox_places.has_place(standing, places),
        "has_nameless": any(not row.name for row in in_the_way),
    }  # fmt: skip
    status = 422 if form and form.is_bound else 200
    return render(request, "signing/submission_page.html", context, status=status)


def act(request: HttpRequest, submission: Submission) -> HttpResponse:
    """Do what one of the buttons says.

    Raises:
        BadRequest: when the page has no such button.
    """
    name, _colon, target = request.POST.get("action", "").partition(":")
    action = ACTIONS.get(name)
    if action is None:
        raise BadRequest("no such action")
    return action(request, submission, target) if name == "replace" else action(request, submission)


def _confirm(request: HttpRequest, submission: Submission) -> HttpResponse:
    return _with_words(request, submission, confirmation.confirm)


def _replace(request: HttpRequest, submission: Submission, target: str) -> HttpResponse:
    """`target` is the public id of the signature that the button named."""
    standing = Signature.objects.of_mailbox(submission).standing()
    chosen = next((row for row in standing if row.public_id.hex == target), None)
    if chosen is None:
        return _ask(request, submission)
    return _with_words(request, submission, partial(_replace_chosen, chosen=chosen))


def _replace_chosen(submission: Submission, chosen: Signature, **words: Any) -> None:
    replacement.replace(submission, chosen, **words)


def _keep(request: HttpRequest, submission: Submission) -> HttpResponse:
    standing, places = mailbox_places.standing(submission, submission.kind), submission.letter.signers_per_mailbox
    kept = next(iter(mailbox_places.in_the_way(standing, submission.name, places) or standing), None)
    if kept is not None:
        transitions.attempt(partial(replacement.keep, submission, kept))
    return _redirect(submission)


def _with_words(request: HttpRequest, submission: Submission, action: Any) -> HttpResponse:
    """Run the action with the words of the form. What was done before is no error."""
    text = text_cache.newest(submission.letter_id)
    form = ConfirmForm.of(submission, text, request.POST, is_shown=False)
    shown = partial(ConfirmForm.of, submission, text, request.POST)
    if not form.is_valid():
        return page(request, submission, shown())
    try:
        transitions.attempt(partial(sent_words.send, submission, form, action))
    except NoPlace as error:
        standing = mailbox_places.standing(submission, form.cleaned_data["kind"])
        has_place = mailbox_places.has_place(standing, text.revision.letter.signers_per_mailbox)
        problem = ("name", NAME_TAKEN) if has_place else (None, CHOOSE)
        return page(request, submission, _with_error(shown(), *problem), list(error.standing))
    except transitions.TooManyChanges:
        return page(request, submission, _with_error(shown(), "name", TOO_MANY_CHANGES))
    return _redirect(submission)


def _with_error(form: ConfirmForm, field: str | None, error: Promise) -> ConfirmForm:
    form.add_error(field, str(error))
    return form


def _ask(request: HttpRequest, submission: Submission) -> HttpResponse:
    """The Enter key was pressed where there is a choice: show what was typed again, and ask for the choice."""
    form = ConfirmForm.of(submission, text_cache.newest(submission.letter_id), request.POST)
    return page(request, submission, _with_error(form, None, CHOOSE))


def _delete(request: HttpRequest, submission: Submission, *, is_not_me: bool = False) -> HttpResponse:
    letter = text_cache.newest(submission.letter_id).revision.letter
    (withdrawal.not_me if is_not_me else withdrawal.delete_submission)(submission)
    return render(request, "signing/erased.html", {"letter": letter, "not_me": is_not_me})


def _redirect(submission: Submission) -> HttpResponse:
    return see_other("signature", tokens.personal_token(submission.public_id))


def _data(request: HttpRequest, submission: Submission) -> HttpResponse:
    return personal_data.download(submission)


ACTIONS: Mapping[str, Callable[..., HttpResponse]] = {
    "confirm": _confirm,
    "ask": _ask,
    "keep": _keep,
    "replace": _replace,
    "erase": _delete,
    "withdraw": _delete,
    "not-me": partial(_delete, is_not_me=True),
    "data": _data,
}
