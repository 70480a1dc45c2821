"""What a page hands on of its letter: links to share it, and what networks read of it."""

from typing import Any

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from campaign.models import Letter, Translation
from signatures.delivery import pdf
from signatures.sharing import links

register = template.Library()


def absolute(name: str, letter: Letter) -> str:
    """The address of a page of this letter, in the language of the page that tells it."""
    return f"{settings.SITE_URL}{reverse(name, args=[letter.slug])}"


def _described(text: Translation) -> str:
    return _("An open letter to %(recipient)s. Read it and put your name under it.") % {"recipient": text.recipient_name}


@register.inclusion_tag("sharing/share_links.html")
def share(letter: Letter, text: Translation, heading: str = "") -> dict[str, Any]:
    """Links to tell others. They hand on the address of the letter, never the one of the page they stand on."""
    address = absolute("letter", letter)
    return {
        "heading": heading,
        "address": address,
        "mail": links.mail_link(text.title, _described(text), address),
        "networks": links.network_links(address, text.title),
    }


@register.inclusion_tag("sharing/open_graph.html")
def open_graph(letter: Letter, text: Translation) -> dict[str, Any]:
    """What networks and messengers show beside a link to the letter."""
    language = get_language() or settings.LANGUAGE_CODE
    locales = {code: str(pdf.Wording.suiting(code).words["locale"]) for code, _name in settings.LANGUAGES}
    return {
        "title": text.title,
        "description": _described(text),
        "address": absolute("letter", letter),
        "house": letter.letterhead.get("name") or settings.ORGANIZATION_NAME,
        "locale": locales.pop(language, language),
        "other_locales": locales.values(),
        "picture": absolute("share-image", letter),
        "size": pdf.SHARE_IMAGE_SIZE,
    }
