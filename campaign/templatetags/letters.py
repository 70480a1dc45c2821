"""Template filters for letters: who answers for one, its look, its text; and for names of countries."""

from urllib.parse import quote

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_noop
from django_countries import countries

from campaign.letters import closing, notices, recipients, text, text_cache
from campaign.letters.look import style_sheet_address
from campaign.letters.operators import letterhead_name, operator_of
from campaign.models import Letter

register = template.Library()
register.filter(letterhead_name)
register.filter("look_address", style_sheet_address)
register.filter("recipient_warning", recipients.warning)
register.filter("privacy_lead", recipients.privacy_lead)
register.filter(closing.last_day)
register.filter(closing.closing_time)
register.filter(closing.zone_name)
register.filter("one_dot", recipients.one_dot, is_safe=True)

# django-countries translates these wrongly in one of our languages (Guyana as French Guiana). Our catalogs come first.
CORRECTED_COUNTRIES = (
    gettext_noop("Andorra"),
    gettext_noop("Belarus"),
    gettext_noop("Bosnia and Herzegovina"),
    gettext_noop("Burundi"),
    gettext_noop("Cayman Islands"),
    gettext_noop("Central African Republic"),
    gettext_noop("Chad"),
    gettext_noop("Comoros"),
    gettext_noop("Cyprus"),
    gettext_noop("Djibouti"),
    gettext_noop("Dominica"),
    gettext_noop("Eswatini"),
    gettext_noop("Falkland Islands (Malvinas)"),
    gettext_noop("French Guiana"),
    gettext_noop("Georgia"),
    gettext_noop("Greenland"),
    gettext_noop("Guyana"),
    gettext_noop("Hong Kong"),
    gettext_noop("Kyrgyzstan"),
    gettext_noop("Marshall Islands"),
    gettext_noop("Martinique"),
    gettext_noop("Mongolia"),
    gettext_noop("Nepal"),
    gettext_noop("North Macedonia"),
    gettext_noop("Palestine, State of"),
    gettext_noop("Romania"),
    gettext_noop("Samoa"),
    gettext_noop("Seychelles"),
    gettext_noop("Spain"),
    gettext_noop("Svalbard and Jan Mayen"),
    gettext_noop("Tajikistan"),
    gettext_noop("Trinidad and Tobago"),
    gettext_noop("Türkiye"),
)


@register.simple_tag
def several_letters() -> bool:
    """Returns whether there is more than one letter to choose from, so that pages lead to the index."""
    return text_cache.has_several_letters()


register.simple_tag(notices.shown, name="notices")


@register.filter
def organization(letter: Letter | None) -> str:
    """Returns the name of who answers for a letter; without a letter, for the site."""
    return operator_of(letter).name


@register.filter
def contact_link(letter: Letter | None) -> SafeString:
    """Returns the link to write to whoever answers for a letter; without a letter, for the site."""
    address = operator_of(letter).contact
    return format_html('<a href="mailto:{}">{}</a>', quote(address, safe="@+"), address)


@register.filter
def letter_html(source: str) -> SafeString:
    """Returns the text of a letter as HTML, escaped."""
    return text.html(source)


@register.filter
def country_name(code: str) -> str:
    """Returns the name of a country in the language of the page."""
    return str(countries.name(code))
