"""What carries the letter to other places: the page that says how, the frame, the picture."""

from collections.abc import Collection, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.csp import CSP
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_safe

from campaign.letters import text_cache
from campaign.models import Letter
from campaign.web.middleware import public_page
from signatures import counts
from signatures.delivery import pdf
from signatures.sharing import share_image
from signatures.sharing.embed import embed_code

# Whoever frames us may ask all they frame to agree to it (COEP), and the frame to ask the same of what it loads.
FRAMED = {"Cross-Origin-Resource-Policy": "cross-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
FRAME_CSP: Mapping[str, Collection[str]] = {
    "default-src": [CSP.NONE],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF],
    "form-action": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "frame-ancestors": ["*"],
}
CARDS = settings.VAR_DIR / "cards"
PLAIN_CARD = settings.BASE_DIR / "static" / "img" / "share_image.png"  # the mark alone


def _of(slug: str) -> dict[str, Any]:
    translation = text_cache.newest(slug)
    return {"letter": translation.revision.letter, "translation": translation}


@require_safe
@public_page
def share_page(request: HttpRequest, slug: str) -> HttpResponse:
    """How to tell others: links, and the frame for one's own site."""
    context = _of(slug)
    address = f"{settings.SITE_URL}{reverse('embed', args=[slug])}"
    context["snippet"] = embed_code(address, context["translation"].title)
    return render(request, "sharing/share_page.html", context)


@require_safe
@public_page
@xframe_options_exempt
@csp_override(FRAME_CSP)
def embed(request: HttpRequest, slug: str) -> HttpResponse:
    """The one page that may be framed. It has a link and no form: nobody can be tricked into signing in a frame."""
    context = _of(slug)
    letter = context["letter"]
    context |= {"counts": counts.for_letter(letter.pk), "is_open": letter.current_state() == Letter.State.OPEN}
    response = render(request, "sharing/embed.html", context)
    for name, value in FRAMED.items():
        response[name] = value
    return response


@require_safe
def share_image_file(request: HttpRequest, slug: str) -> HttpResponse:
    """The picture that networks show beside a link, in the language of the text; the plain mark where there is none."""
    text = text_cache.newest(slug)
    wanted = pdf.ShareImage(
        title=text.title,
        addressee=tuple(text.addressee.split("\n")),
        house=text.revision.letter.letterhead.get("name", ""),
        language=text.language,
    )
    picture = share_image.cached_image(wanted, folder=CARDS, fonts=settings.FONT_DIRS)
    body, keeping = (picture, 3600) if picture else (PLAIN_CARD.read_bytes(), 5)
    response = HttpResponse(body, "image/png", headers={"Cross-Origin-Resource-Policy": "cross-origin"})
    patch_cache_control(response, public=True, max_age=keeping)
    return response
