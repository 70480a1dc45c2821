"""The fields of signing: how one thing that was typed is cleaned."""

from functools import cache
from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from signatures.values import email_addresses, names


class LineField(forms.CharField):
    """One line of what a signer types, cleaned as `names` says."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, required=False, **options)

    def to_python(self, value: Any) -> str:
        try:
            return self.tidy("" if value is None else str(value))
        except names.InvalidName as error:
            raise forms.ValidationError(str(error)) from None

    def tidy(self, typed: str) -> str:
        return names.clean_line(typed)


class NameField(LineField):
    def tidy(self, typed: str) -> str:
        return names.clean_name(typed) if typed.strip() else ""


class TextField(LineField):
    longest = 1000

    def tidy(self, typed: str) -> str:
        return names.clean_text(typed, longest=self.longest)


class EmailAddressField(forms.CharField):
    """A mail address, kept as typed. Django's own field takes what no mail server does (SECURITY.md F8)."""

    NONE = _("Please enter an email address, such as name@example.org.")

    def clean(self, value: Any) -> str:
        typed = super().clean(value)
        try:
            return email_addresses.validate(typed)
        except email_addresses.InvalidEmailAddress:
            raise forms.ValidationError(self.NONE) from None


# django-countries knows the order of Latin letters alone. Syllables of Hangul lie in order; the old codes of Chinese
# have the usual characters by their sound (GB) or their strokes (Big5).
_IN_ORDER = {"ko": "utf-8", "zh-hans": "gb18030", "zh-hant": "big5"}


@cache
def _country_options(language: str) -> SafeString:
    """All countries, sorted in this language. Django would render a template for each: most of the time of a page."""
    found = list(countries)
    if language in _IN_ORDER:
        found.sort(key=lambda country: str(country.name).encode(_IN_ORDER[language], "replace"))
    return format_html_join("\n", '<option value="{}">{}</option>', found)


class CountrySelect(forms.Select):
    nothing: str | Promise = ""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        options = _country_options(get_language() or "en")
        if value in CountryField.CODES:
            options = SafeString(options.replace(f'value="{value}"', f'value="{value}" selected'))
        return format_html(
            '<select name="{}"{}><option value="">{}</option>\n{}</select>',
            name,
            flatatt(self.build_attrs(self.attrs, attrs)),
            self.nothing,
            options,
        )


class CountryField(forms.ChoiceField):
    """A country by its code. The names, in the language of the page, are made only where they are shown."""

    CODES = frozenset(countries.countries)
    widget = CountrySelect

    def __init__(self, *, nothing: str | Promise, **options: Any) -> None:
        super().__init__(required=False, **options)
        self.widget.nothing = nothing

    def valid_value(self, value: Any) -> bool:
        return value in self.CODES
