"""Names of people and organizations on public pages: never translated, and in a language of their own."""

from collections.abc import Iterable
from functools import cache
from uuid import UUID

from django import template
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django_countries import countries

from campaign.models import Letter
from signatures.models import Signature
from signatures.values.name_language import language_of_name

register = template.Library()
NOBODY = UUID(int=0)


@register.filter
def as_name(text: str, country: str) -> SafeString:
    """Returns a name that neither the browser nor the words around it change."""
    return format_html('<bdi translate="no" lang="{}">{}</bdi>', language_of_name(text, country), text)


@register.simple_tag
def name_items(letter: Letter, rows: Iterable[Signature]) -> SafeString:
    """Returns an `<li>` for each signature, with a link to its page.

    As a template for each name they took most of the time of a page.
    """
    before, _nobody, after = reverse("entry", args=[letter.slug, NOBODY]).partition(str(NOBODY))
    language = get_language() or "en"
    return mark_safe("\n".join(_item(row, f"{before}{row.public_id}{after}", language) for row in rows))  # noqa: S308  escaped below


def _item(row: Signature, address: str, language: str) -> str:
    role = f"<span><bdi>{escape(row.role)}</bdi></span>" if row.role else ""
    organization = f"<span>{as_name(row.organization, row.country)}</span>" if row.organization else ""
    country = f"<span>{_country_name(row.country, language)}</span>" if row.country else ""
    return (
        f'<li>\n  <a class="name" href="{address}">{as_name(row.name, row.country)}</a>\n'
        f'  <span class="name-details">{role}{organization}{country}</span>\n</li>'
    )


@cache
def _country_name(code: str, language: str) -> str:
    """Returns the name of a country in the active language, which is the key of the cache."""
    return escape(str(countries.name(code)))
