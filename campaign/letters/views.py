"""Public pages that need no signatures: history, news and privacy notice of a letter; its color and its logo."""

import contextlib
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from campaign.letters import text_cache
from campaign.letters.look import Look
from campaign.letters.privacy import default_paragraphs, own_paragraphs
from campaign.letters.text import changes
from campaign.models import Letter, Logo, NewsText, Translation
from campaign.web.middleware import public_page


@require_safe
@public_page
def history(request: HttpRequest, slug: str) -> HttpResponse:
    """All published texts of a letter, each with its digest and the changes since the one before in its language."""
    shown = text_cache.newest(slug)
    letter = shown.revision.letter
    published = Translation.objects.published().filter(revision__letter=letter).select_related("revision")
    texts = list(published.order_by("published_at", "pk"))
    wordings = {text.revision_id: text for text in texts if text.authoritative}
    previous: dict[str, Translation] = {}
    rows = []
    for text in texts:
        before = previous.get(text.language)
        wording = None if text.authoritative else wordings.get(text.revision_id)
        rows.append(
            {
                "text": text,
                "previous": before,
                "wording": wording,
                "changes": changes(before.parts(), text.parts()) if before else [],
            }
        )
        previous[text.language] = text
    return render(request, "letters/history.html", {"letter": letter, "translation": shown, "rows": rows[::-1]})


@require_safe
@public_page
def news(request: HttpRequest, slug: str) -> HttpResponse:
    """All news on a letter, newest first."""
    language = get_language() or ""
    text = Translation.objects.newest(slug, language)
    if text is None:
        raise Http404
    letter = text.revision.letter
    context = {"letter": letter, "translation": text, "news": NewsText.objects.shown(letter, language)}
    return render(request, "letters/news_page.html", context)


@require_safe
@public_page
def privacy(request: HttpRequest, slug: str = "") -> HttpResponse:
    """The privacy notice of a letter. Without a slug that of the only letter, or if there are several the site's."""
    context: dict[str, Any] = {"retention_months": settings.RETENTION_MONTHS, "defaults": default_paragraphs()}
    with contextlib.nullcontext() if slug else contextlib.suppress(Http404):
        text = text_cache.newest(slug or _only_slug())
        context |= {"letter": text.revision.letter, "translation": text, "own": own_paragraphs(text)}
    return render(request, "privacy.html", context)


def _only_slug() -> str:
    slugs = Letter.objects.published().values_list("slug", flat=True)[:2]
    if len(slugs) != 1:
        raise Http404
    return slugs[0]


# Their addresses change with what they show. Not `public`: the page cache keeps nothing that anybody can make up.
KEPT_FOR_A_YEAR = {"Cache-Control": "max-age=31536000, immutable"}


@require_safe
def look(_request: HttpRequest, color: str) -> HttpResponse:
    """The style sheet with the color of a letter. It depends on nothing but its address, so it asks no database."""
    try:
        sheet = Look.of_color(f"#{color}").style_sheet()
    except ValueError:
        raise Http404 from None
    response = HttpResponse(sheet, content_type="text/css; charset=utf-8", headers=KEPT_FOR_A_YEAR)
    # The embed loads it from no origin, as it does the static files.
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@require_safe
def logo(_request: HttpRequest, digest: str) -> HttpResponse:
    """The logo with this digest."""
    found = Logo.objects.filter(digest=digest).first()
    if found is None:
        raise Http404
    return HttpResponse(bytes(found.png), content_type="image/png", headers=KEPT_FOR_A_YEAR)
