"""The pages of the people who sign: the letter with its form, the personal page, the list, the figures."""

from __future__ import annotations

import contextlib
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import date
from functools import partial
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.db import OperationalError
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from campaign import network
from campaign.middleware import open_to_other_sites
from campaign.models import Letter, Translation
from signatures import counts, limits, links, workflow
from signatures.delivery import receipts
from signatures.forms import ChangeForm, ConfirmForm, MyLinkForm, OfSignature, SearchForm, SignForm
from signatures.models import Delivered, Delivery, Kind, Question, Signature, State

log = logging.getLogger(__name__)

NEWEST = 12
PAGE = 50
ORGANISATIONS = 24  # on the first page of the list, beside those that staff put first

public_page = cache_control(public=True, max_age=5, stale_while_revalidate=25)

TEXT_KEPT = 3.0  # seconds, as long as a page's own copy

# Per process, in each language: the text as it was last read, and when. It spares every POST the look-up, and the
# letter can still be read while the database is down (rule 8).
_texts: dict[tuple[str, str], tuple[float, Translation]] = {}
_slugs: dict[int, str] = {}  # by the number of the letter; a slug never changes once it is public


@require_safe
@public_page
def first_page(request: HttpRequest) -> HttpResponse:
    """The current letter."""
    return _letter_page(request, "")


@require_safe
@public_page
def letter_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Any published letter."""
    return _letter_page(request, slug)


def _letter_page(request: HttpRequest, slug: str) -> HttpResponse:
    try:
        translation = _text(slug)
        return render(request, "letter/letter.html", _letter_context(translation, SignForm(translation=translation)))
    except OperationalError:
        if (slug, get_language() or "") not in _texts:
            raise
        _read, translation = _texts[slug, get_language() or ""]
        response = render(
            request, "letter/letter.html", {"letter": translation.revision.letter, "translation": translation}
        )
        response["X-Makeshift"] = "database"
        return response


def _text(slug: str) -> Translation:
    """The newest text of this letter (of the current one without a slug) in the language of the page."""
    key = slug, get_language() or ""
    if key in _texts and time.monotonic() - _texts[key][0] < TEXT_KEPT:
        return _texts[key][1]
    if not slug:
        letter = Letter.objects.current()
        slug = letter.slug if letter else ""
    translation = Translation.objects.newest(slug, key[1])
    if translation is None:
        raise Http404
    _texts[key] = time.monotonic(), translation
    return translation


def _text_under(signature: Signature) -> Translation:
    """The newest text of the letter that was signed."""
    if signature.letter_id not in _slugs:
        _slugs[signature.letter_id] = signature.letter.slug
    return _text(_slugs[signature.letter_id])


def forget_texts() -> None:
    """What was read in this process is read again."""
    _texts.clear()
    _slugs.clear()


def _letter_context(translation: Translation, form: SignForm) -> dict[str, Any]:
    letter = translation.revision.letter
    return {
        "letter": letter,
        "translation": translation,
        "form": form if letter.standing() == Letter.State.OPEN else None,
        "counts": counts.of(letter.pk),
        "newest": Signature.objects.filter(letter=letter).public().newest_first()[:NEWEST],
        "deliveries": Delivery.objects.known()
        .filter(letter=letter)
        .only("number", "state", "frozen_at", "handed_over_on"),
    }


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables()
def sign(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a signature down. Every valid form has the same answer (rule 4)."""
    if request.method != "POST":
        return _see_other("letter", slug)
    translation = _text(slug)
    form = SignForm(request.POST, translation=translation)
    if translation.revision.letter.standing() != Letter.State.OPEN or not form.is_valid():
        return render(request, "letter/letter.html", _letter_context(translation, form), status=422)
    form.network = network.of(request)
    verdict = limits.touch(form.buckets())
    try:
        workflow.sign(
            form.answer(verdict.flags),
            address=form.cleaned_data["email"],
            updates=form.cleaned_data["updates"],
            network=form.network,
            marks=verdict.marks,
            may_mail=verdict.may_mail,
        )
    except workflow.NotAllowed:  # paused or closed since this process read the letter
        forget_texts()
        return render(request, "letter/letter.html", _letter_context(_text(slug), form), status=422)
    return _see_other("check-mail", slug)


def _see_other(name: str, *args: Any) -> HttpResponse:
    """303: what follows is read, not sent again."""
    return HttpResponse(status=303, headers={"Location": reverse(name, args=args)})


@require_safe
@public_page
def check_mail(request: HttpRequest, slug: str) -> HttpResponse:
    """The page after signing, whatever was signed."""
    translation = _text(slug)
    return render(
        request, "signatures/check_mail.html", {"letter": translation.revision.letter, "translation": translation}
    )


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables()
def my_link(request: HttpRequest, slug: str) -> HttpResponse:
    """Send me my link: the same answer for any address."""
    translation = _text(slug)
    form = MyLinkForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        verdict = limits.touch(form.buckets(network.of(request)))
        workflow.send_link(
            translation.revision.letter,
            address=form.cleaned_data["email"],
            language=get_language() or "en",
            may_mail=verdict.may_mail,
        )
        return _see_other("link-sent", slug)
    context = {"letter": translation.revision.letter, "translation": translation, "form": form}
    return render(request, "signatures/my_link.html", context, status=422 if request.method == "POST" else 200)


@require_safe
@public_page
def link_sent(request: HttpRequest, slug: str) -> HttpResponse:
    """The page after asking for one's link, whatever was asked."""
    translation = _text(slug)
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
    text = _text_under(signature)
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
    form = ConfirmForm.of(signature, _text_under(signature), request.POST)
    if not form.is_valid():
        is_open = signature.state == State.UNCONFIRMED and form.translation.revision.letter.takes_confirmations()
        return _personal(request, signature, form) if is_open else _anew(signature)
    return _act(request, signature, partial(_send_words, form=form, verb=workflow.confirm))


def _change(request: HttpRequest, signature: Signature) -> HttpResponse:
    form = ChangeForm.of(signature, _text_under(signature), request.POST)
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
    return _see_other("signature", links.token(signature.public_id))


def _act(request: HttpRequest, signature: Signature, verb: Callable[..., Any]) -> HttpResponse:
    """Do it and show the page anew. Doing it a second time is no fault of anybody's."""
    with contextlib.suppress(workflow.NotAllowed):
        verb(signature)
    return _anew(signature)


def _erase(request: HttpRequest, signature: Signature, verb: Callable[[Signature], None]) -> HttpResponse:
    """Nothing is left to be shown anew: the answer itself says so."""
    letter = _text_under(signature).revision.letter
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
    context = {"wants_them": signature.sealed_address is not None, "letter": signature.letter}
    return render(request, "signatures/no_updates.html", context)


@require_safe
@public_page
def signatories(request: HttpRequest, slug: str) -> HttpResponse:
    """The public names: organisations and notables, each in a section above everybody else; the latter page by page.

    With a search all stand in one list, and `kind=organisation` is the list of the organisations alone.
    """
    translation = _text(slug)
    letter = translation.revision.letter
    form = SearchForm(request.GET)
    public = Signature.objects.filter(letter=letter).public()
    mark, is_searched = request.GET.get("after", ""), bool(form.changed_data)
    of_organisations = request.GET.get("kind") == Kind.ORGANISATION
    sections: dict[str, Any] = {}
    if is_searched and form.is_valid():
        chosen = _search(public, form.cleaned_data["q"], form.cleaned_data["country"])
    else:
        chosen = public.filter(kind=Kind.ORGANISATION if of_organisations else Kind.PERSON, notable__isnull=True)
        sections = {} if mark else _sections(public, of_organisations=of_organisations)
    rows = list(_after(chosen.newest_first(), mark)[: PAGE + 1])
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    query = request.GET.copy()
    if last:
        query["after"] = f"{last.approved_on}.{last.public_id.hex}"
    context = {
        "letter": letter,
        "translation": translation,
        "form": form,
        "rows": rows[:PAGE],
        **sections,
        "of_organisations": of_organisations,
        "following": query.urlencode() if last else "",
        "counts": counts.of(letter.pk),
    }
    response = render(request, "signatures/list.html", context, status=200 if form.is_valid() else 422)
    response["X-Robots-Tag"] = "noindex"
    return response


def _sections(public: Any, *, of_organisations: bool) -> dict[str, Any]:
    """What stands above the rest on the first page: whom staff put there, and the newest organisations."""
    featured = list(public.featured())
    organisations = [row for row in featured if row.kind == Kind.ORGANISATION]
    if of_organisations:
        return {"organisations": organisations}
    newest = public.filter(kind=Kind.ORGANISATION, notable__isnull=True).newest_first()
    newest = list(newest[: ORGANISATIONS + 1])
    return {
        "organisations": organisations + newest[:ORGANISATIONS],
        "further_organisations": len(newest) > ORGANISATIONS,
        "notables": [row for row in featured if row.kind == Kind.PERSON],
    }


def _search(chosen: Any, words: str, country: str) -> Any:
    if country:
        chosen = chosen.filter(country=country)
    if words:
        chosen = chosen.filter(Q(name__icontains=words) | Q(organisation__icontains=words))
    return chosen


def _after(chosen: Any, mark: str) -> Any:
    """The rows behind this mark (day and id of the last one shown)."""
    if not mark:
        return chosen
    before, _dot, behind = mark.partition(".")
    try:
        day, key = date.fromisoformat(before), uuid.UUID(hex=behind)
    except ValueError:
        raise BadRequest("no such place in the list") from None
    # The first condition alone is the one an index can begin at.
    return chosen.filter(Q(approved_on__lte=day), Q(approved_on__lt=day) | Q(public_id__gt=key))


@require_safe
@public_page
def entry(request: HttpRequest, slug: str, public_id: uuid.UUID) -> HttpResponse:
    """One public name, at an address of its own."""
    translation = _text(slug)
    found = Signature.objects.filter(letter=translation.revision.letter, public_id=public_id).public().first()
    if found is None:
        raise Http404
    response = render(
        request, "signatures/entry.html", {"letter": found.letter, "translation": translation, "row": found}
    )
    response["X-Robots-Tag"] = "noindex"
    return response


@require_safe
@public_page
def api(request: HttpRequest, slug: str) -> HttpResponse:
    """The figures of a letter, for other programs and other sites. No moment finer than a day (SECURITY.md P3)."""
    translation = _text(slug)
    letter, figures = translation.revision.letter, counts.of(translation.revision.letter_id)
    body = {
        "slug": letter.slug,
        "title": translation.title,
        "recipient": letter.recipient,
        "state": letter.standing(),
        "count": figures.total,
        "named": figures.public,
        "goal": letter.goal,
        "revision": translation.revision.number,
        "updated": timezone.now().date().isoformat(),
    }
    headers = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
    return JsonResponse(body, headers=headers, json_dumps_params={"ensure_ascii": settings.DEBUG})
