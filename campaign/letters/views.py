"""Public pages that need no signatures: the history and the news of a letter, and the privacy notice."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from campaign.letters import reading, text_cache
from campaign.letters.text import changes
from campaign.models import Letter, NewsText, Translation
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
    language = reading.wanted()
    text = Translation.objects.newest(slug, language)
    if text is None:
        raise Http404
    letter = text.revision.letter
    context = {"letter": letter, "translation": text, "news": NewsText.objects.shown(letter, language)}
    return render(request, "letters/news_page.html", context)


@require_safe
@public_page
def privacy(request: HttpRequest) -> HttpResponse:
    """The privacy notice: what is stored, for how long, who sees it, how to have it erased."""
    context = {"retention_months": settings.RETENTION_MONTHS, "letter": Letter.objects.current()}
    return render(request, "privacy.html", context)
