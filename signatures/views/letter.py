"""The letter with its form, and signing it."""

from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from campaign import mirrored, network
from campaign.middleware import public_page
from campaign.models import Letter, NewsText, Translation
from signatures import counts, limits, workflow
from signatures.forms import SignForm
from signatures.models import Signature
from signatures.views import texts
from signatures.views.answers import see_other

NEWEST = 12
NEWS = 2


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
        translation = texts.newest(slug)
        form = None if mirrored.on(request) else SignForm(translation=translation)
        return render(request, "letter/letter.html", _letter_context(translation, form))
    except OperationalError:
        kept = texts.last_read(slug)
        if kept is None:
            raise
        response = render(request, "letter/letter.html", {"letter": kept.revision.letter, "translation": kept})
        response["X-Makeshift"] = "database"
        return response


def _letter_context(translation: Translation, form: SignForm | None) -> dict[str, Any]:
    letter = translation.revision.letter
    return {
        "letter": letter,
        "translation": translation,
        "form": form if letter.standing() == Letter.State.OPEN else None,
        "counts": counts.of(letter.pk),
        "newest": Signature.objects.filter(letter=letter).public().newest_first()[:NEWEST],
        "news": NewsText.objects.shown(letter, get_language() or "")[:NEWS],
    }


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@sensitive_variables()
def sign(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a signature down. Every valid form has the same answer (rule 4)."""
    if request.method != "POST":
        return see_other("letter", slug)
    translation = texts.newest(slug)
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
        texts.forget()
        return render(request, "letter/letter.html", _letter_context(texts.newest(slug), form), status=422)
    return see_other("check-mail", slug)


@require_safe
@public_page
def check_mail(request: HttpRequest, slug: str) -> HttpResponse:
    """The page after signing, whatever was signed."""
    translation = texts.newest(slug)
    return render(
        request, "signatures/check_mail.html", {"letter": translation.revision.letter, "translation": translation}
    )
