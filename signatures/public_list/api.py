"""The figures of a letter, for other programs, and the page that explains them."""

import json
from typing import Any

from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils import translation as languages
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from campaign.letters import text_cache
from campaign.web.middleware import accept_cross_origin_posts, public_page
from signatures import counts

SPOKEN = "en"  # the address has no language, so the title is the English one, else the authoritative one
ALLOWED = "GET, HEAD, OPTIONS"
OPEN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Retry-After",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
AGREED = {
    "Allow": ALLOWED,
    "Access-Control-Allow-Methods": ALLOWED,
    "Access-Control-Allow-Headers": "If-None-Match",
    "Access-Control-Max-Age": "86400",
}


@accept_cross_origin_posts
@csrf_exempt
def api(request: HttpRequest, slug: str) -> HttpResponse:
    """The figures as JSON, for every site. What goes wrong is told as JSON, too, so that a script can read it."""
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers={**OPEN, **AGREED})
    if request.method not in {"GET", "HEAD"}:
        return _json({"error": "Only GET and HEAD are answered."}, status=405, Allow=ALLOWED)
    try:
        return _told(request, slug)
    except Http404:
        return _json({"error": "There is no such letter."}, status=404)
    except OperationalError:
        return _json({"error": "The database is away. Ask again later."}, status=503, **{"Retry-After": "10"})


@public_page
def _told(request: HttpRequest, slug: str) -> HttpResponse:
    return _json(_figures(slug))


def _json(body: dict[str, Any], status: int = 200, **headers: str) -> HttpResponse:
    return JsonResponse(body, status=status, headers=OPEN | headers, json_dumps_params={"ensure_ascii": False})


def _figures(slug: str) -> dict[str, Any]:
    """No moment finer than a day (SECURITY.md P3)."""
    with languages.override(SPOKEN):
        text = text_cache.newest(slug)
    letter, figures = text.revision.letter, counts.for_letter(text.revision.letter_id)
    return {
        "slug": letter.slug,
        "title": text.title,
        "recipient": letter.recipient,
        "state": letter.current_state(),
        "count": figures.total,
        "named": figures.public,
        "goal": letter.goal,
        "revision": text.revision.number,
        "updated": timezone.now().date().isoformat(),
    }


@require_safe
@public_page
def api_page(request: HttpRequest, slug: str) -> HttpResponse:
    """How to ask for the figures, with the answer as it is now."""
    text = text_cache.newest(slug)
    example = json.dumps(_figures(slug), ensure_ascii=False, indent=2)
    context = {"letter": text.revision.letter, "translation": text, "example": example}
    return render(request, "public_list/api.html", context)
