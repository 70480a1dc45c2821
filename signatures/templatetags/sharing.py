"""Share links, and the Open Graph tags that networks and messengers read."""

from typing import Any

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from campaign.letters.operators import letterhead_name
from campaign.letters.recipients import one_dot
from campaign.models import Letter, Translation
from signatures.delivery import pdf
from signatures.sharing import links

register = template.Library()


def absolute(name: str, letter: Letter) -> str:
    """Returns the full address of a page of this letter, in the active language."""
    return f"{settings.SITE_URL}{reverse(name, args=[letter.slug])}"


def _description(text: Translation) -> str:
    words = _("An open letter to %(recipient)s. Read it and add your name.")
    return one_dot(words % {"recipient": text.recipient_name})


def _locale_of(code: str) -> str:
    """Returns the language as networks write it: with a territory for the languages of the site."""
    return str(pdf.Wording.suiting(code).words["locale"]) if code in dict(settings.LANGUAGES) else code


@register.inclusion_tag("sharing/share_links.html")
def share(letter: Letter, text: Translation, heading: str = "") -> dict[str, Any]:
    """Links to share the letter. They hold the address of the letter, never that of the page they are on."""
    address = absolute("letter", letter)
    return {
        "heading": heading,
        "address": address,
        "mail": links.mail_link(text.title, _description(text), address),
        "networks": links.network_links(address, text.title),
    }


@register.inclusion_tag("sharing/open_graph.html")
def open_graph(letter: Letter, text: Translation) -> dict[str, Any]:
    """What networks and messengers show beside a link to the letter (Open Graph)."""
    locales = {code: _locale_of(code) for code in getattr(text, "languages", [text.language])}
    return {
        "title": text.title,
        "description": _description(text),
        "address": absolute("letter", letter),
        "site_name": letterhead_name(letter),
        "locale": locales.pop(text.language, text.language),
        "other_locales": locales.values(),
        "image": absolute("share-image", letter),
        "size": pdf.SHARE_IMAGE_SIZE,
    }
