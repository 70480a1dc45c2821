"""The items of a list of names. They need neither settings nor a database: the mirror makes them in other processes."""

from html import escape  # as Django's, which also looks whether a text is translated later: half the time of an item
from typing import Protocol

from django.utils.safestring import SafeString

from signatures.values.name_language import language_of_name


class ListedWords(Protocol):
    """What a list shows of a signature."""

    @property
    def name(self) -> str: ...

    @property
    def role(self) -> str: ...

    @property
    def organization(self) -> str: ...

    @property
    def country(self) -> str: ...


def as_name(text: str, country: str) -> SafeString:
    """Returns a name that neither the browser nor the words around it change."""
    return SafeString(f'<bdi translate="no" lang="{language_of_name(text, country)}">{escape(text)}</bdi>')


def name_item(row: ListedWords, address: str, country_name: str) -> str:
    """Returns the `<li>` of a name.

    Args:
        row: the signature.
        address: of the page of this name.
        country_name: escaped; "" if the signature has no country.
    """
    role = f"<span><bdi>{escape(row.role)}</bdi></span>" if row.role else ""
    organization = f"<span>{as_name(row.organization, row.country)}</span>" if row.organization else ""
    country = f"<span>{country_name}</span>" if row.country else ""
    return (
        f'<li>\n  <a class="name" href="{address}">{as_name(row.name, row.country)}</a>\n'
        f'  <span class="name-details">{role}{organization}{country}</span>\n</li>'
    )
