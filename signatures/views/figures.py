"""The figures of a letter, for other programs."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from campaign.middleware import public_page
from signatures import counts
from signatures.views import texts


@require_safe
@public_page
def api(request: HttpRequest, slug: str) -> HttpResponse:
    """The figures of a letter, for other programs and other sites. No moment finer than a day (SECURITY.md P3)."""
    translation = texts.newest(slug)
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
