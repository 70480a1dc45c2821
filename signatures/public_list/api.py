"""The JSON API of a letter, and the page that documents it."""

import json
from typing import Any

from django.conf import settings
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils import translation as languages
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from campaign.letters import text_cache
from campaign.runtime.replica import reads_replica
from campaign.web.middleware import accept_cross_origin_posts, public_page
from signatures import counts

ALLOWED_METHODS = "GET, HEAD, OPTIONS"
CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Retry-After",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
PREFLIGHT_HEADERS = {
    "Allow": ALLOWED_METHODS,
    "Access-Control-Allow-Methods": ALLOWED_METHODS,
    "Access-Control-Allow-Headers": "If-None-Match",
    "Access-Control-Max-Age": "86400",
}


@accept_cross_origin_posts
@csrf_exempt
def api(request: HttpRequest, slug: str) -> HttpResponse:
    """Counts and state of a letter as JSON, readable from every site. Errors are JSON, too."""
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers={**CORS_HEADERS, **PREFLIGHT_HEADERS})
    if request.method not in {"GET", "HEAD"}:
        return _json({"error": "Only GET and HEAD are answered."}, status=405, Allow=ALLOWED_METHODS)
    try:
        return _letter_response(request, slug)
    except Http404:
        return _json({"error": "There is no such letter."}, status=404)
    except OperationalError:
        return _json({"error": "The database is away. Ask again later."}, status=503, **{"Retry-After": "10"})


@public_page
@reads_replica
def _letter_response(request: HttpRequest, slug: str) -> HttpResponse:
    return _json(_letter_data(slug))


def _json(body: dict[str, Any], status: int = 200, **headers: str) -> HttpResponse:
    return JsonResponse(body, status=status, headers=CORS_HEADERS | headers, json_dumps_params={"ensure_ascii": False})


def _letter_data(slug: str) -> dict[str, Any]:
    """Returns the fields of the answer. No time is finer than a day (threat model P3)."""
    with languages.override(settings.LANGUAGE_CODE):  # the address has none but that of the letter, before it
        text = text_cache.newest(slug)
    letter, numbers = text.revision.letter, counts.published(text.revision.letter_id)
    return {
        "slug": letter.slug,
        "title": text.title,
        "recipient": letter.recipient,
        "state": letter.current_state(),
        "count": numbers.total,
        "named": numbers.public,
        "goal": letter.goal,
        "revision": text.revision.number,
        "updated": timezone.now().date().isoformat(),
    }


@require_safe
@public_page
def api_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Documentation of the API, with its current answer as the example."""
    text = text_cache.newest(slug)
    example = json.dumps(_letter_data(slug), ensure_ascii=False, indent=2)
    context = {"letter": text.revision.letter, "translation": text, "example": example}
    return render(request, "public_list/api.html", context)
