"""Names of people and organizations on public pages: never translated, and in a language of their own."""

from collections.abc import Iterable
from functools import cache
from uuid import UUID

from django import template
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django_countries import countries

from campaign.models import Letter
from signatures.models import ListedRow, Signature
from signatures.public_list.name_items import as_name, name_item

register = template.Library()
NOBODY = UUID(int=0)

register.filter(as_name)


@register.simple_tag
def name_items(letter: Letter, rows: Iterable[Signature | ListedRow]) -> SafeString:
    """Returns an `<li>` for each signature, with a link to its page.

    As a template for each name they took most of the time of a page.
    """
    before, _nobody, after = reverse("entry", args=[letter.slug, NOBODY]).partition(str(NOBODY))
    language = get_language() or "en"
    items = (
        name_item(row, f"{before}{row.public_id}{after}", _country_name(row.country, language) if row.country else "")
        for row in rows
    )
    return mark_safe("\n".join(items))  # noqa: S308  escaped by `name_item`


@cache
def _country_name(code: str, language: str) -> str:
    """Returns the name of a country in the active language, which is the key of the cache."""
    return escape(str(countries.name(code)))
