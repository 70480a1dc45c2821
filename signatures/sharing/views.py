"""The page that helps to share a letter, the embed for other sites, the share image, and the letter as PDF."""

from collections.abc import Collection, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.csp import CSP
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_safe

from campaign.letters import text_cache
from campaign.models import Letter
from campaign.runtime.replica import reads_replica
from campaign.web.costs import Cost, costs
from campaign.web.middleware import KEPT_IN_FRONT, public_page, read_only
from campaign.web.responses import unavailable
from signatures import counts
from signatures.sharing import letter_pdf, share_image

# A site may demand that every frame opts in (COEP), and the embed demands the same of what it loads.
EMBED_HEADERS = {"Cross-Origin-Resource-Policy": "cross-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
EMBED_CSP: Mapping[str, Collection[str]] = {
    "default-src": [CSP.NONE],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF],
    "form-action": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "frame-ancestors": ["*"],
}
FALLBACK_IMAGE = settings.BASE_DIR / "static" / "img" / "share_image.png"  # the logo alone


def _letter_context(slug: str) -> dict[str, Any]:
    translation = text_cache.newest(slug)
    return {"letter": translation.revision.letter, "translation": translation}


@require_safe
@public_page
def share_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Shows links to share the letter, and the code of the embed."""
    context = _letter_context(slug)
    address = f"{settings.SITE_URL}{reverse('embed', args=[slug])}"
    code = render_to_string("sharing/embed_code.html", {"address": address, "title": context["translation"].title})
    context["embed_code"] = code.strip()  # a plain string: the page shows it as text
    return render(request, "sharing/share_page.html", context)


@require_safe
@public_page
@xframe_options_exempt
@csp_override(EMBED_CSP)
@reads_replica
def embed(request: HttpRequest, slug: str) -> HttpResponse:
    """Shows the only page that may be framed. It has no form, so nobody can be tricked into signing in a frame."""
    context = _letter_context(slug)
    letter = context["letter"]
    state = letter.current_state()
    has_ended = state in {Letter.State.CLOSED, Letter.State.ARCHIVED}
    is_open = state == Letter.State.OPEN
    context |= {"counts": counts.published(letter.pk), "is_open": is_open, "has_ended": has_ended}
    response = render(request, "sharing/embed.html", context)
    for name, value in EMBED_HEADERS.items():
        response[name] = value
    return response


@read_only
def share_image_file(request: HttpRequest, slug: str) -> HttpResponse:
    """Returns the share image in the language of the text, or the fallback if there is none."""
    image = share_image.image_of(text_cache.newest(slug))
    body, max_age = (image, 3600) if image else (FALLBACK_IMAGE.read_bytes(), 5)
    response = HttpResponse(body, "image/png", headers={"Cross-Origin-Resource-Policy": "cross-origin"})
    patch_cache_control(response, public=True, max_age=max_age)
    return response


@read_only
@costs(Cost.DOWNLOAD)
def letter_file(request: HttpRequest, slug: str) -> HttpResponse:
    """Returns the letter alone as PDF, in the language of the text, to be read in the browser."""
    text = text_cache.newest(slug)
    document = letter_pdf.pdf_of(text)
    if document is None:
        return unavailable(request)
    file_name = f"{slug}-{text.language}.pdf"
    headers = {"Content-Disposition": f'inline; filename="{file_name}"', "Content-Language": text.language}
    response = HttpResponse(document, "application/pdf", headers=headers)
    patch_cache_control(response, **KEPT_IN_FRONT)
    return response
