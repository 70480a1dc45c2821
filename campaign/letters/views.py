"""Public pages that need no signatures: history, news and privacy notice of a letter; its color and its logo."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from campaign.letters import reading, text_cache
from campaign.letters.look import Look
from campaign.letters.privacy import default_paragraphs, own_paragraphs
from campaign.letters.text import changes
from campaign.models import Logo, NewsText, Translation
from campaign.web.middleware import public_page, read_only


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
    language = reading.wanted()
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
    context = {"retention_months": settings.RETENTION_MONTHS, "defaults": default_paragraphs(), **_about(slug)}
    if "translation" in context:
        context["own"] = own_paragraphs(context["translation"])
    return render(request, "privacy.html", context)


def _about(slug: str) -> dict[str, Any]:
    """Returns the letter that a page is about: that with this slug, else the only one; nothing if there are several."""
    if not slug and (only := text_cache.only_letter()):
        slug = only.slug
    if not slug:
        return {}
    text = text_cache.newest(slug)
    return {"letter": text.revision.letter, "translation": text}


@require_safe
@public_page
def help_page(request: HttpRequest, slug: str = "") -> HttpResponse:
    """What happens after signing, and what to do when something does not work; for a letter, or for all."""
    return render(request, "help.html", _about(slug))


@require_safe
@public_page
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "accessibility.html", _about(""))


KEPT_FOR_A_YEAR = "max-age=31536000, immutable"  # an address that changes with what it shows


@read_only
def look(_request: HttpRequest, color: str) -> HttpResponse:
    """The style sheet with the color of a letter. It depends on nothing but its address, so it asks no database."""
    try:
        sheet = Look.of_color(f"#{color}").style_sheet()
    except ValueError:
        raise Http404 from None
    headers = {
        # Not `public`, so that the page cache keeps none of the colors that anybody can make up.
        "Cache-Control": KEPT_FOR_A_YEAR,
        # The embed loads it from no origin, as it does the static files.
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return HttpResponse(sheet, content_type="text/css; charset=utf-8", headers=headers)


@read_only
def logo(_request: HttpRequest, digest: str) -> HttpResponse:
    """The logo with this digest."""
    found = Logo.objects.filter(digest=digest).first()
    if found is None:
        raise Http404
    headers = {"Cache-Control": f"public, {KEPT_FOR_A_YEAR}"}
    return HttpResponse(bytes(found.png), content_type="image/png", headers=headers)
