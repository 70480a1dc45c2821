"""The personal page of a signer, behind the link in their email."""

import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import segno
from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from campaign.letters import reading, text_cache
from campaign.web.client_network import client_network
from campaign.web.middleware import accept_cross_origin_posts, public_form
from campaign.web.responses import see_other
from signatures import counts, transitions
from signatures.delivery import receipts, statement
from signatures.models import Delivery, Question, Signature, Submission
from signatures.registries import Flag
from signatures.screening import rate_limits
from signatures.signing import changes, personal_data, sent_words, submission_views, withdrawal
from signatures.signing.kept_answers import keeps_answer
from signatures.signing.mailbox_places import NoPlace
from signatures.signing.personal_forms import LINK_USED, NAME_TAKEN, TOO_MANY_CHANGES, ChangeForm
from signatures.states import ALLOWED_FROM, State
from signatures.values import tokens


@keeps_answer
@public_form
def personal_page(request: HttpRequest, token: str) -> HttpResponse:
    """The page of one signature or submission. Opening it changes nothing; only what the signer sends does."""
    try:
        row = _find(tokens.read_personal_token(token))
    except tokens.InvalidToken:
        row = None
    if row is None:
        # Only invalid links are rate limited.
        is_guessing = rate_limits.count_event({"guess": client_network(request)}).over
        status, page = (429, "429.html") if is_guessing else (404, "signing/broken_link.html")
        return render(request, page, {"letter": text_cache.only_letter()}, status=status)
    if request.method == "HEAD":
        return HttpResponse()  # mail scanners send thousands of these at once
    with reading.reading(row.language):
        return _answer(request, row)


def _answer(request: HttpRequest, row: Signature | Submission) -> HttpResponse:
    if isinstance(row, Submission):
        return (submission_views.act if request.method == "POST" else submission_views.page)(request, row)
    if request.method != "POST":
        return _page(request, row)
    action = _ACTIONS.get(request.POST.get("action", ""))
    if action is None:
        if request.POST.get("action", "").partition(":")[0] in submission_views.ACTIONS:
            return _pressed_late(request, row)
        raise BadRequest("no such action")
    return action(request, row)


def _pressed_late(request: HttpRequest, signature: Signature) -> HttpResponse:
    """A button of the page of a submission that is confirmed, or was dropped for this signature, meanwhile.

    Pressed twice, it has done its work. Other words are shown again: their signer came back to a page that is over.
    """
    form = ChangeForm.of(signature, text_cache.newest(signature.letter_id), request.POST)
    is_new = form.is_valid() and form.cleaned_data["name"] not in {"", signature.name}
    if not is_new or signature.state not in ALLOWED_FROM["change"]:
        return _redirect(signature)
    form.add_error("name", LINK_USED)
    return _page(request, signature, form)


# Written out: to compose it anew for everybody who confirms takes Django longer than the database to run it.
_OF_LINK = "SELECT * FROM signatures_submission WHERE public_id = %s"


def _find(public_id: uuid.UUID) -> Signature | Submission | None:
    return (
        next(iter(Submission.objects.raw(_OF_LINK, [public_id])), None)
        or Signature.objects.filter(public_id=public_id).first()
        or Signature.objects.filter(aliases__public_id=public_id).first()
    )


def _page(request: HttpRequest, signature: Signature, form: ChangeForm | None = None) -> HttpResponse:
    text = text_cache.newest(signature.letter_id)
    if form is None and signature.state in ALLOWED_FROM["change"]:
        form = ChangeForm.of(signature, text)
    letter = text.revision.letter
    context: dict[str, Any] = {"signature": signature, "letter": letter, "translation": text, "form": form}
    context["correction"] = personal_data.correction(signature)
    context["deliveries"] = list(personal_data.deliveries(signature))
    if signature.state == State.REJECTED:
        context["rejection"] = personal_data.rejection(signature)
    context["counts"] = published = counts.published(letter.pk)
    if signature.state == State.WAITING:
        context["waiting"] = max(1, published.in_state(State.WAITING))  # this one may not be published yet
        context["review_days"] = counts.review_days(letter.pk, context["waiting"])
    if counts.awaits_next_step(signature):
        context["step_minutes"] = settings.COUNT_STEP_MINUTES
    if signature.state == State.WAITING and Flag.ASKED in signature.flags:
        context["question"] = Question.objects.in_language(signature.question, get_language() or "en")
    return render(request, "signing/personal_page.html", context, status=422 if form and form.is_bound else 200)


def _change(request: HttpRequest, signature: Signature) -> HttpResponse:
    form = ChangeForm.of(signature, text_cache.newest(signature.letter_id), request.POST)
    if form.is_valid():
        try:
            return _act(request, signature, partial(sent_words.send, form=form, action=changes.change))
        except transitions.TooManyChanges:
            form.add_error("name", TOO_MANY_CHANGES)
        except NoPlace:
            form.add_error("name", NAME_TAKEN)
    return _page(request, signature, form) if signature.state in ALLOWED_FROM["change"] else _redirect(signature)


def _undo_correction(request: HttpRequest, signature: Signature) -> HttpResponse:
    try:
        return _act(request, signature, changes.undo_correction)
    except NoPlace:  # somebody else signs from this mailbox under the former name now
        return _redirect(signature)


def _redirect(signature: Signature) -> HttpResponse:
    return see_other("signature", tokens.personal_token(signature.public_id))


def _act(request: HttpRequest, signature: Signature, action: Callable[[Signature], Any]) -> HttpResponse:
    """Run the action and show the page again. An action that was done before is no error."""
    transitions.attempt(partial(action, signature))
    return _redirect(signature)


def _erase(request: HttpRequest, signature: Signature, action: Callable[[Signature], None]) -> HttpResponse:
    """Run the action and say so on a page of its own, because the personal page no longer exists."""
    letter = text_cache.newest(signature.letter_id).revision.letter
    transitions.attempt(partial(action, signature))
    return render(request, "signing/erased.html", {"letter": letter, "not_me": action is withdrawal.not_me})


def _asked_receipt(request: HttpRequest, signature: Signature) -> tuple[Delivery, receipts.Receipt]:
    number = request.POST.get("delivery", "")
    for delivery, receipt in personal_data.deliveries(signature):
        if str(delivery.number) == number and receipt is not None:
            return delivery, receipt
    raise Http404


def _receipt_page(request: HttpRequest, signature: Signature) -> HttpResponse:
    """The receipt of one delivery as a page that prints on one sheet."""
    delivery, receipt = _asked_receipt(request, signature)
    address = statement.page_of(delivery)
    context = {
        "delivery": delivery,
        "letter": delivery.letter,
        "receipt": receipt,
        "address": address,
        "title_language": receipt.title_language,
        "qr_code": SafeString(
            segno.make(address, error="m").svg_inline(border=4, dark="#000", light="#fff", omitsize=True)
        ),
    }
    return render(request, "delivery/receipt_page.html", context)


def _receipt(request: HttpRequest, signature: Signature) -> HttpResponse:
    """The receipt of one delivery as a file."""
    _delivery, receipt = _asked_receipt(request, signature)
    name = f"receipt-{receipt.delivery}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(f"{receipt}\n", content_type="application/json", headers=headers)


def _data(request: HttpRequest, signature: Signature) -> HttpResponse:
    return personal_data.download(signature)


_ACTIONS: Mapping[str, Callable[[HttpRequest, Signature], HttpResponse]] = {
    "change": _change,
    "answer": partial(_act, action=changes.answer_question),
    "undo-correction": _undo_correction,
    "withdraw": partial(_act, action=withdrawal.withdraw),
    "erase": partial(_erase, action=withdrawal.erase),
    "not-me": partial(_erase, action=withdrawal.not_me),
    "data": _data,
    "receipt": _receipt,
    "receipt-page": _receipt_page,
}


@accept_cross_origin_posts
@public_form
def unsubscribe_page(request: HttpRequest, token: str) -> HttpResponse:
    """End the updates. Email programs press the button by themselves (RFC 8058)."""
    try:
        signature = Signature.objects.get(public_id=tokens.read_unsubscribe_token(token))
    except (tokens.InvalidToken, Signature.DoesNotExist):
        return render(request, "signing/broken_link.html", {"letter": text_cache.only_letter()}, status=404)
    if request.method == "POST":
        withdrawal.unsubscribe(signature)
        signature.refresh_from_db()
    is_subscribed = signature.sealed_address is not None
    context = {"is_subscribed": is_subscribed, "signature": signature, "letter": signature.letter}
    return render(request, "signing/unsubscribe.html", context)
