"""How templates show a letter's text and a country's name."""

from django import template
from django.utils.safestring import SafeString
from django_countries import countries

from campaign import text

register = template.Library()


@register.filter
def letter_html(source: str) -> SafeString:
    """The text of a letter as HTML, every word escaped."""
    return text.html(source)


@register.filter
def country_name(code: str) -> str:
    """A country's name in the language of the page."""
    return str(countries.name(code))
