"""The letter with its form, submitting the form, and asking for the personal link."""

from email.utils import parseaddr
from typing import Any

from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from campaign.letters import reading, text_cache
from campaign.letters.operators import operator_of
from campaign.models import Letter, NewsText, Translation
from campaign.web.client_network import client_network
from campaign.web.middleware import public_form, public_page, read_only
from campaign.web.mirror_request import mirror_date
from campaign.web.responses import see_other, see_page_of_letter
from signatures import counts, transitions
from signatures.models import EmailSubject, OutboxMail, Signature, Submission
from signatures.outbox import rendering
from signatures.screening import proof_of_work, submission_risk
from signatures.signing import submission
from signatures.signing.forms import MyLinkForm, SignForm
from signatures.signing.kept_answers import keeps_answer

NEWEST = 12
NEWS = 2


@require_safe
@public_page
def letter_page(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Any published letter; without a slug the current one, and without any letter the page that says so.

    Then the site works as its staff want it: the answer is 200, which is cached, and no monitor takes it for a fault.
    """
    try:
        translation = text_cache.newest(slug)
        form = None if mirror_date(request) else SignForm(translation=translation)
        return render(request, "letters/letter_page.html", _letter_context(translation, form))
    except Http404:
        if slug or text_cache.has_letters():
            raise
        return render(request, "public_list/letters.html", {"rows": []})
    except OperationalError:
        last_read = text_cache.last_read(slug)
        if last_read is None:
            raise
        context = {"letter": last_read.revision.letter, "translation": last_read}
        response = render(request, "letters/letter_page.html", context)
        response["X-Degraded"] = "database"
        return response


def _letter_context(translation: Translation, form: SignForm | None) -> dict[str, Any]:
    letter = translation.revision.letter
    return {
        "letter": letter,
        "translation": translation,
        "form": form if letter.current_state() == Letter.State.OPEN else None,
        "not_sent": form.typed if form and form.is_bound and letter.current_state() != Letter.State.OPEN else [],
        "asks_for_work": proof_of_work.is_on(),
        "counts": counts.published(letter.pk),
        "newest": Signature.objects.filter(letter=letter).public().newest_first()[:NEWEST],
        "news": NewsText.objects.shown(letter, reading.wanted())[:NEWS],
    }


@keeps_answer
@public_form
def sign(request: HttpRequest, slug: str) -> HttpResponse:
    """Submit the form. Every valid form gets the same answer (architecture, rule 4)."""
    if request.method != "POST":
        return see_other("letter", slug)
    translation = text_cache.newest(slug, or_another=True)
    form = SignForm(request.POST, translation=translation, is_shown=False)
    if translation.revision.letter.current_state() != Letter.State.OPEN or not form.is_valid():
        return _not_signed(request, translation)
    typed, cleaned = form.signer_input(), form.cleaned_data
    origin = submission_risk.Origin(
        email=cleaned["email"],
        network=client_network(request),
        trap=cleaned["website"],
        stamp=cleaned["stamp"],
        seconds=cleaned["seconds"],
        proof=cleaned["proof"],
    )
    flags, verdict = submission_risk.screen_submission(typed.values, translation, origin)
    try:
        submission.submit(
            typed,
            address=origin.email,
            updates=cleaned["updates"],
            flags=flags,
            network=origin.network,
            marks=verdict.marks,
        )
    except transitions.TransitionNotAllowed:  # paused or closed since this process read the letter
        text_cache.clear_cache()
        return _not_signed(request, text_cache.newest(slug))
    return see_page_of_letter("check-mail", slug)


def _not_signed(request: HttpRequest, translation: Translation) -> HttpResponse:
    """The letter again, with what was typed and what is wrong with it."""
    form = SignForm(request.POST, translation=translation)
    form.full_clean()
    return render(request, "letters/letter_page.html", _letter_context(translation, form), status=422)


@read_only
def challenge(request: HttpRequest, slug: str) -> HttpResponse:
    """A challenge for one browser, while every browser is asked for work. It stores nothing, and is not cached."""
    if not proof_of_work.is_on():
        raise Http404
    return JsonResponse(proof_of_work.make_challenge(text_cache.newest(slug).revision.letter_id))


@require_safe
@public_page
def answer_page(request: HttpRequest, page: str, slug: str = "") -> HttpResponse:
    """The page after a form was sent, such as `signing/link_sent`: the same for everybody."""
    if not slug:
        return render(request, f"{page}.html")
    translation = text_cache.newest(slug)
    return render(request, f"{page}.html", {"letter": translation.revision.letter, "translation": translation})


@require_safe
@public_page
def check_mail(request: HttpRequest, slug: str) -> HttpResponse:
    """The page after the form was sent, which says what email to look for: the same for everybody."""
    translation = text_cache.newest(slug)
    letter, subjects = translation.revision.letter, EmailSubject.objects.filter(language=get_language() or "en")
    chosen = subjects.filter(mail=EmailSubject.Of.LINK).values_list("subject", flat=True).first() or ""
    context = {
        "letter": letter,
        "translation": translation,
        "sender": parseaddr(operator_of(letter).sender),
        "subject": rendering.subject_line(OutboxMail.Kind.LINK, letter, translation.title, chosen=chosen),
        "days_to_confirm": Submission.days_to_confirm(letter),
        "kept_days": Submission.KEPT_FOR.days,
    }
    return render(request, "signing/check_mail.html", context)


@keeps_answer
@public_form
def my_link(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Ask for the personal link, or without a slug for those under all letters, also archived ones.

    Every valid address gets the same answer (architecture, rule 4), and the same statements run for it.
    """
    text = text_cache.newest(slug) if slug else None
    letter = text.revision.letter if text else None
    form = MyLinkForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        letters = [letter] if letter else Letter.objects.published()
        address, language = form.cleaned_data["email"], get_language() or "en"
        submission.send_personal_links(letters, address=address, language=language)
        return see_other("link-sent", slug) if slug else see_other("links-sent")
    context = {"letter": letter, "translation": text, "form": form, "is_only": text_cache.only_letter() is not None}
    return render(request, "signing/my_link.html", context, status=422 if request.method == "POST" else 200)
