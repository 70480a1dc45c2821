"""What one person signed: their link, and the page behind it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from campaign.letters import text_cache
from campaign.models import Letter
from campaign.web.client_network import client_network
from campaign.web.middleware import accept_cross_origin_posts
from campaign.web.responses import see_other
from signatures import transitions
from signatures.delivery import receipts
from signatures.models import Delivery, DeliveryEntry, Question, Signature
from signatures.registries import Flag
from signatures.screening import rate_limits
from signatures.signing import changes, confirmation, withdrawal
from signatures.signing.forms import ChangeForm, ConfirmForm, SignatureForm
from signatures.states import ALLOWED_FROM, State
from signatures.values import tokens

log = logging.getLogger(__name__)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables()
def personal_page(request: HttpRequest, token: str) -> HttpResponse:
    """What one person signed. Opening it changes nothing; only what they send does."""
    try:
        signature = Signature.objects.get(public_id=tokens.read_personal_token(token))
    except (tokens.InvalidToken, Signature.DoesNotExist):
        # Who holds a link that works is never asked how often.
        is_guessing = rate_limits.count_event({"guess": client_network(request)}).over
        status, page = (429, "429.html") if is_guessing else (404, "signing/broken_link.html")
        return render(request, page, {"letter": Letter.objects.current()}, status=status)
    if request.method == "HEAD":
        return HttpResponse()  # scanners ask so for thousands at once
    if request.method != "POST":
        return _personal(request, signature)
    action = _ACTIONS.get(request.POST.get("action", ""))
    if action is None:
        raise BadRequest("no such action")
    return action(request, signature)


def _personal(request: HttpRequest, signature: Signature, form: SignatureForm | None = None) -> HttpResponse:
    text = text_cache.for_signature(signature)
    letter = text.revision.letter
    is_open = signature.state == State.UNCONFIRMED and letter.takes_confirmations()
    if form is None and (is_open or signature.state in ALLOWED_FROM["change"]):
        form = (ConfirmForm if is_open else ChangeForm).of(signature, text)
    context: dict[str, Any] = {"signature": signature, "letter": letter, "translation": text, "form": form}
    context["deliveries"] = list(_deliveries(signature))
    if signature.state == State.WAITING and Flag.ASKED in signature.flags:
        context["question"] = Question.objects.in_language(signature.question, get_language() or "en")
    return render(request, "signing/personal_page.html", context, status=422 if form and form.is_bound else 200)


def _confirm(request: HttpRequest, signature: Signature) -> HttpResponse:
    form = ConfirmForm.of(signature, text_cache.for_signature(signature), request.POST)
    if not form.is_valid():
        is_open = signature.state == State.UNCONFIRMED and form.translation.revision.letter.takes_confirmations()
        return _personal(request, signature, form) if is_open else _anew(signature)
    return _act(request, signature, partial(_send_words, form=form, verb=confirmation.confirm))


def _change(request: HttpRequest, signature: Signature) -> HttpResponse:
    form = ChangeForm.of(signature, text_cache.for_signature(signature), request.POST)
    if not form.is_valid():
        can_change = signature.state in ALLOWED_FROM["change"]
        return _personal(request, signature, form) if can_change else _anew(signature)
    return _act(request, signature, partial(_send_words, form=form, verb=changes.change))


def _send_words(signature: Signature, *, form: SignatureForm, verb: Callable[..., Any]) -> None:
    """Do it with these words, flagged if they come again and again; those of the sign-up were counted then."""
    no_updates = bool(form.cleaned_data.get("no_updates"))
    if not form.further_buckets(signature):
        verb(signature, form.answer([]), no_updates=no_updates)
        return
    # Held, so that one person's button pressed many times is one person's name (C6).
    with transitions.locked_row(signature) as locked:
        verdict = rate_limits.count_event(form.further_buckets(locked))
        verb(signature, form.answer(verdict.flags), no_updates=no_updates)


def _anew(signature: Signature) -> HttpResponse:
    return see_other("signature", tokens.personal_token(signature.public_id))


def _act(request: HttpRequest, signature: Signature, verb: Callable[..., Any]) -> HttpResponse:
    """Do it and show the page anew. Doing it a second time is no fault of anybody's."""
    with contextlib.suppress(transitions.TransitionNotAllowed):
        verb(signature)
    return _anew(signature)


def _erase(request: HttpRequest, signature: Signature, verb: Callable[[Signature], None]) -> HttpResponse:
    """Nothing is left to be shown anew: the answer itself says so."""
    letter = text_cache.for_signature(signature).revision.letter
    with contextlib.suppress(transitions.TransitionNotAllowed):
        verb(signature)
    return render(request, "signing/erased.html", {"letter": letter, "not_me": verb is withdrawal.not_me})


def _deliveries(signature: Signature) -> Iterator[tuple[Delivery, receipts.Receipt | None]]:
    """The deliveries that somebody is in, with their receipts; the newest first."""
    for row in DeliveryEntry.objects.shown_to(signature):
        receipt = None
        try:
            receipt = receipts.issue(row)
        except receipts.ProofBroken:
            log.error("the tree of delivery %s does not hold", row.delivery_id)
        yield row.delivery, receipt


def _receipt(request: HttpRequest, signature: Signature) -> HttpResponse:
    """The receipt of one delivery, as a file to take away."""
    number = request.POST.get("delivery", "")
    found = next((receipt for delivery, receipt in _deliveries(signature) if str(delivery.number) == number), None)
    if found is None:
        raise Http404
    name = f"receipt-{found.letter}-{found.delivery}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(f"{found}\n", content_type="application/json", headers=headers)


def _data(request: HttpRequest, signature: Signature) -> HttpResponse:
    """All that is stored of this person, to take away. Why staff look at a signature is not part of it."""
    text = signature.translation
    body = {
        "letter": signature.letter.slug,
        "text": {"revision": text.revision.number, "language": text.language, "sha256": text.digest},
        **{field: getattr(signature, field) for field in ("kind", *Signature.WORDS, "country", "visibility")},
        "language": signature.language,
        "state": signature.state,
        "signed_up_at": signature.signed_up_at,
        "confirmed_at": signature.confirmed_at,
        "approved_on": signature.approved_on,
        "keeps_address_for_updates": signature.sealed_address is not None,
        "mails": [
            {"kind": mail.kind, "queued_at": mail.queued_at, "sent_at": mail.sent_at}
            for mail in signature.mails.order_by("pk")
        ],
        "deliveries": [
            {"number": delivery.number, "state": delivery.state, "receipt": receipt and asdict(receipt)}
            for delivery, receipt in _deliveries(signature)
        ],
    }
    headers = {"Content-Disposition": 'attachment; filename="my-signature.json"'}
    return JsonResponse(body, headers=headers, json_dumps_params={"ensure_ascii": False, "indent": 2})


_ACTIONS: Mapping[str, Callable[[HttpRequest, Signature], HttpResponse]] = {
    "confirm": _confirm,
    "change": _change,
    "answer": partial(_act, verb=changes.answer_question),
    "withdraw": partial(_act, verb=withdrawal.withdraw),
    "erase": partial(_erase, verb=withdrawal.erase),
    "not-me": partial(_erase, verb=withdrawal.not_me),
    "data": _data,
    "receipt": _receipt,
}


@accept_cross_origin_posts
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe_page(request: HttpRequest, token: str) -> HttpResponse:
    """End the mails about what becomes of the letter. Mail programs press the button by themselves (RFC 8058)."""
    try:
        signature = Signature.objects.get(public_id=tokens.read_unsubscribe_token(token))
    except (tokens.InvalidToken, Signature.DoesNotExist):
        return render(request, "signing/broken_link.html", {"letter": Letter.objects.current()}, status=404)
    if request.method == "POST":
        withdrawal.unsubscribe(signature)
        signature.refresh_from_db()
    context = {"wants_them": signature.sealed_address is not None, "signature": signature, "letter": signature.letter}
    return render(request, "signing/unsubscribe.html", context)
