"""The personal page of a signer, behind the link in their email."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from django.core.exceptions import BadRequest
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import get_language

from campaign.letters import text_cache
from campaign.models import Letter, Translation
from campaign.web.client_network import client_network
from campaign.web.middleware import accept_cross_origin_posts, public_form
from campaign.web.responses import see_other
from signatures import transitions
from signatures.delivery import receipts
from signatures.models import Delivery, DeliveryEntry, Question, Signature
from signatures.registries import Flag
from signatures.registries.typed_fields import TYPED_NAMES
from signatures.screening import rate_limits, submission_risk
from signatures.signing import changes, confirmation, withdrawal
from signatures.signing.forms import ChangeForm, ConfirmForm, SignatureForm
from signatures.states import ALLOWED_FROM, State
from signatures.values import tokens

log = logging.getLogger(__name__)

DATA_FIELDS = (*TYPED_NAMES, "language", "state", "signed_up_at", "confirmed_at", "approved_on")


@public_form
def personal_page(request: HttpRequest, token: str) -> HttpResponse:
    """The page of one signature. Opening it changes nothing; only what the signer sends does."""
    try:
        signature = Signature.objects.get(public_id=tokens.read_personal_token(token))
    except (tokens.InvalidToken, Signature.DoesNotExist):
        # Only invalid links are rate limited.
        is_guessing = rate_limits.count_event({"guess": client_network(request)}).over
        status, page = (429, "429.html") if is_guessing else (404, "signing/broken_link.html")
        return render(request, page, {"letter": Letter.objects.current()}, status=status)
    if request.method == "HEAD":
        return HttpResponse()  # mail scanners send thousands of these at once
    if request.method != "POST":
        return _page(request, signature)
    action = _ACTIONS.get(request.POST.get("action", ""))
    if action is None:
        raise BadRequest("no such action")
    return action(request, signature)


def _page(request: HttpRequest, signature: Signature, form: SignatureForm | None = None) -> HttpResponse:
    text = text_cache.newest_by_id(signature.letter_id)
    if form is None and (form_class := _form_for(signature, text)):
        form = form_class.of(signature, text)
    letter = text.revision.letter
    context: dict[str, Any] = {"signature": signature, "letter": letter, "translation": text, "form": form}
    context["deliveries"] = list(_deliveries(signature))
    if signature.state == State.WAITING and Flag.ASKED in signature.flags:
        context["question"] = Question.objects.in_language(signature.question, get_language() or "en")
    return render(request, "signing/personal_page.html", context, status=422 if form and form.is_bound else 200)


def _form_for(signature: Signature, text: Translation) -> type[SignatureForm] | None:
    """Returns the form that the signature may be confirmed or changed with; None if it may be neither."""
    if signature.state == State.UNCONFIRMED and text.revision.letter.takes_confirmations():
        return ConfirmForm
    return ChangeForm if signature.state in ALLOWED_FROM["change"] else None


def _take_words(
    request: HttpRequest, signature: Signature, form_class: type[SignatureForm], action: Callable[..., Any]
) -> HttpResponse:
    text = text_cache.newest_by_id(signature.letter_id)
    form = form_class.of(signature, text, request.POST)
    if form.is_valid():
        return _act(request, signature, partial(_send_words, form=form, action=action))
    return _page(request, signature, form) if _form_for(signature, text) is form_class else _redirect(signature)


def _send_words(signature: Signature, *, form: SignatureForm, action: Callable[..., Any]) -> None:
    """Screen the words of a valid form and run the action with them. Words that were counted before are not again."""
    typed = form.signer_input()
    act = partial(action, typed=typed, no_updates=bool(form.cleaned_data.get("no_updates")))
    flags = submission_risk.screen_words(typed.values, form.translation)
    if not submission_risk.changed_buckets(typed.values, signature):
        act(signature, flags=flags)
        return
    # Locked, so that a button pressed several times at once is counted once (threat model C6).
    with transaction.atomic():
        locked = transitions.lock(signature)
        verdict = rate_limits.count_event(submission_risk.changed_buckets(typed.values, locked))
        act(signature, flags=sorted({*flags, *verdict.flags}))


def _redirect(signature: Signature) -> HttpResponse:
    return see_other("signature", tokens.personal_token(signature.public_id))


def _act(request: HttpRequest, signature: Signature, action: Callable[[Signature], Any]) -> HttpResponse:
    """Run the action and show the page again. An action that was done before is no error."""
    try:
        action(signature)
    except transitions.TooManyChanges:
        return render(request, "429.html", {"letter": signature.letter, "is_for_today": True}, status=429)
    except transitions.TransitionNotAllowed:
        pass
    return _redirect(signature)


def _erase(request: HttpRequest, signature: Signature, action: Callable[[Signature], None]) -> HttpResponse:
    """Run the action and say so on a page of its own, because the personal page no longer exists."""
    letter = text_cache.newest_by_id(signature.letter_id).revision.letter
    with contextlib.suppress(transitions.TransitionNotAllowed):
        action(signature)
    return render(request, "signing/erased.html", {"letter": letter, "not_me": action is withdrawal.not_me})


def _deliveries(signature: Signature) -> Iterator[tuple[Delivery, receipts.Receipt | None]]:
    """Yields the deliveries with this signature, newest first, with their receipts."""
    for entry in DeliveryEntry.objects.shown_to(signature):
        receipt = None
        try:
            receipt = receipts.issue(entry)
        except receipts.InvalidReceipt:
            log.error("the tree of delivery %s is inconsistent", entry.delivery_id)  # noqa: TRY400  no values in logs
        yield entry.delivery, receipt


def _receipt(request: HttpRequest, signature: Signature) -> HttpResponse:
    """The receipt of one delivery as a file."""
    number = request.POST.get("delivery", "")
    receipt = next((receipt for delivery, receipt in _deliveries(signature) if str(delivery.number) == number), None)
    if receipt is None:
        raise Http404
    name = f"receipt-{receipt.letter}-{receipt.delivery}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(f"{receipt}\n", content_type="application/json", headers=headers)


def _data(request: HttpRequest, signature: Signature) -> HttpResponse:
    """Everything that is stored about this person, as a file. The reasons for a review are not part of it."""
    text = signature.translation
    body = {
        "letter": signature.letter.slug,
        "text": {"revision": text.revision.number, "language": text.language, "sha256": text.digest},
        **{name: getattr(signature, name) for name in DATA_FIELDS},
        "keeps_address_for_updates": signature.sealed_address is not None,
        "mails": list(signature.mails.order_by("pk").values("kind", "queued_at", "sent_at")),
        "deliveries": [
            {"number": delivery.number, "state": delivery.state, "receipt": receipt and asdict(receipt)}
            for delivery, receipt in _deliveries(signature)
        ],
    }
    headers = {"Content-Disposition": 'attachment; filename="my-signature.json"'}
    return JsonResponse(body, headers=headers, json_dumps_params={"ensure_ascii": False, "indent": 2})


_ACTIONS: Mapping[str, Callable[[HttpRequest, Signature], HttpResponse]] = {
    "confirm": partial(_take_words, form_class=ConfirmForm, action=confirmation.confirm),
    "change": partial(_take_words, form_class=ChangeForm, action=changes.change),
    "answer": partial(_act, action=changes.answer_question),
    "withdraw": partial(_act, action=withdrawal.withdraw),
    "erase": partial(_erase, action=withdrawal.erase),
    "not-me": partial(_erase, action=withdrawal.not_me),
    "data": _data,
    "receipt": _receipt,
}


@accept_cross_origin_posts
@public_form
def unsubscribe_page(request: HttpRequest, token: str) -> HttpResponse:
    """End the updates. Email programs press the button by themselves (RFC 8058)."""
    try:
        signature = Signature.objects.get(public_id=tokens.read_unsubscribe_token(token))
    except (tokens.InvalidToken, Signature.DoesNotExist):
        return render(request, "signing/broken_link.html", {"letter": Letter.objects.current()}, status=404)
    if request.method == "POST":
        withdrawal.unsubscribe(signature)
        signature.refresh_from_db()
    is_subscribed = signature.sealed_address is not None
    context = {"is_subscribed": is_subscribed, "signature": signature, "letter": signature.letter}
    return render(request, "signing/unsubscribe.html", context)
