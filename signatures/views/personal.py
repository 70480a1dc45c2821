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
from django.views.decorators.http import require_http_methods, require_safe

from campaign import network
from campaign.middleware import open_to_other_sites, public_page
from campaign.models import Letter
from signatures import limits, links, workflow
from signatures.delivery import receipts
from signatures.forms import ChangeForm, ConfirmForm, MyLinkForm, OfSignature
from signatures.models import Delivered, Delivery, Question, Signature, State
from signatures.views import texts
from signatures.views.answers import see_other

log = logging.getLogger(__name__)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables()
def my_link(request: HttpRequest, slug: str) -> HttpResponse:
    """Send me my link: the same answer for any address."""
    translation = texts.newest(slug)
    form = MyLinkForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        verdict = limits.touch(form.buckets(network.of(request)))
        workflow.send_link(
            translation.revision.letter,
            address=form.cleaned_data["email"],
            language=get_language() or "en",
            may_mail=verdict.may_mail,
        )
        return see_other("link-sent", slug)
    context = {"letter": translation.revision.letter, "translation": translation, "form": form}
    return render(request, "signatures/my_link.html", context, status=422 if request.method == "POST" else 200)


@require_safe
@public_page
def link_sent(request: HttpRequest, slug: str) -> HttpResponse:
    """The page after asking for one's link, whatever was asked."""
    translation = texts.newest(slug)
    return render(
        request, "signatures/link_sent.html", {"letter": translation.revision.letter, "translation": translation}
    )


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables()
def personal_page(request: HttpRequest, token: str) -> HttpResponse:
    """What one person signed. Opening it changes nothing; only what they send does."""
    try:
        signature = Signature.objects.get(public_id=links.public_id(token))
    except (links.Broken, Signature.DoesNotExist):
        # Who holds a link that works is never asked how often.
        is_guessing = limits.touch({"guess": network.of(request)}).over
        status, page = (429, "429.html") if is_guessing else (404, "signatures/broken_link.html")
        return render(request, page, {"letter": Letter.objects.current()}, status=status)
    if request.method == "HEAD":
        return HttpResponse()  # scanners ask so for thousands at once
    if request.method != "POST":
        return _personal(request, signature)
    action = _ACTIONS.get(request.POST.get("action", ""))
    if action is None:
        raise BadRequest("no such action")
    return action(request, signature)


def _personal(request: HttpRequest, signature: Signature, form: OfSignature | None = None) -> HttpResponse:
    text = texts.under(signature)
    letter = text.revision.letter
    is_open = signature.state == State.UNCONFIRMED and letter.takes_confirmations()
    if form is None and (is_open or signature.state in workflow.FROM["change"]):
        form = (ConfirmForm if is_open else ChangeForm).of(signature, text)
    context: dict[str, Any] = {"signature": signature, "letter": letter, "translation": text, "form": form}
    context["deliveries"] = list(_deliveries(signature))
    if signature.state == State.WAITING and "asked" in signature.flags:
        context["question"] = Question.objects.in_language(signature.question, get_language() or "en")
    return render(request, "signatures/personal.html", context, status=422 if form and form.is_bound else 200)


def _confirm(request: HttpRequest, signature: Signature) -> HttpResponse:
    form = ConfirmForm.of(signature, texts.under(signature), request.POST)
    if not form.is_valid():
        is_open = signature.state == State.UNCONFIRMED and form.translation.revision.letter.takes_confirmations()
        return _personal(request, signature, form) if is_open else _anew(signature)
    return _act(request, signature, partial(_send_words, form=form, verb=workflow.confirm))


def _change(request: HttpRequest, signature: Signature) -> HttpResponse:
    form = ChangeForm.of(signature, texts.under(signature), request.POST)
    if not form.is_valid():
        can_change = signature.state in workflow.FROM["change"]
        return _personal(request, signature, form) if can_change else _anew(signature)
    return _act(request, signature, partial(_send_words, form=form, verb=workflow.change))


def _send_words(signature: Signature, *, form: OfSignature, verb: Callable[..., Any]) -> None:
    """Do it with these words, flagged if they come again and again; those of the sign-up were counted then."""
    no_updates = bool(form.cleaned_data.get("no_updates"))
    if not form.further_buckets(signature):
        verb(signature, form.answer([]), no_updates=no_updates)
        return
    # Held, so that one person's button pressed many times is one person's name (C6).
    with workflow.held(signature) as locked:
        verdict = limits.touch(form.further_buckets(locked))
        verb(signature, form.answer(verdict.flags), no_updates=no_updates)


def _anew(signature: Signature) -> HttpResponse:
    return see_other("signature", links.token(signature.public_id))


def _act(request: HttpRequest, signature: Signature, verb: Callable[..., Any]) -> HttpResponse:
    """Do it and show the page anew. Doing it a second time is no fault of anybody's."""
    with contextlib.suppress(workflow.NotAllowed):
        verb(signature)
    return _anew(signature)


def _erase(request: HttpRequest, signature: Signature, verb: Callable[[Signature], None]) -> HttpResponse:
    """Nothing is left to be shown anew: the answer itself says so."""
    letter = texts.under(signature).revision.letter
    with contextlib.suppress(workflow.NotAllowed):
        verb(signature)
    return render(request, "signatures/erased.html", {"letter": letter, "not_me": verb is workflow.not_me})


def _deliveries(signature: Signature) -> Iterator[tuple[Delivery, receipts.Receipt | None]]:
    """The deliveries that somebody is in, with their receipts; the newest first."""
    for row in Delivered.objects.shown_to(signature):
        receipt = None
        try:
            receipt = receipts.issue(row)
        except receipts.NotProven:
            log.error("the tree of delivery %s does not hold", row.delivery_id)  # noqa: TRY400  the trace says no more
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
    "answer": partial(_act, verb=workflow.answer),
    "withdraw": partial(_act, verb=workflow.withdraw),
    "erase": partial(_erase, verb=workflow.erase),
    "not-me": partial(_erase, verb=workflow.not_me),
    "data": _data,
    "receipt": _receipt,
}


@open_to_other_sites
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def no_updates(request: HttpRequest, token: str) -> HttpResponse:
    """End the mails about what becomes of the letter. Mail programs press the button by themselves (RFC 8058)."""
    try:
        signature = Signature.objects.get(public_id=links.leaves(token))
    except (links.Broken, Signature.DoesNotExist):
        return render(request, "signatures/broken_link.html", {"letter": Letter.objects.current()}, status=404)
    if request.method == "POST":
        workflow.end_updates(signature)
        signature.refresh_from_db()
    context = {"wants_them": signature.sealed_address is not None, "signature": signature, "letter": signature.letter}
    return render(request, "signatures/no_updates.html", context)
