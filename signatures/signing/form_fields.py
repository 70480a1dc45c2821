"""The fields of the signing forms: how one value that was typed is cleaned."""

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

from campaign.letters.languages import describe
from signatures.registries.typed_fields import MAX_LENGTHS
from signatures.values import email_addresses, names


class LineField(forms.CharField):
    """One line that a signer types, cleaned by `names.clean_line`."""

    def __init__(self, typed_field: str, **options: Any) -> None:
        self.longest = MAX_LENGTHS[typed_field]
        super().__init__(strip=False, required=False, **options)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Browsers count the characters before cleaning, which may join two to one."""
        return {**super().widget_attrs(widget), "maxlength": 2 * self.longest}

    def to_python(self, value: Any) -> str:
        try:
            return self.tidy("" if value is None else str(value))
        except names.InvalidName as error:
            raise forms.ValidationError(str(error)) from None

    def tidy(self, typed: str) -> str:
        return names.clean_line(typed, longest=self.longest)


class NameField(LineField):
    def tidy(self, typed: str) -> str:
        return names.clean_name(typed) if typed.strip() else ""


class TextField(LineField):
    def tidy(self, typed: str) -> str:
        return names.clean_text(typed, longest=self.longest)


class EmailAddressField(forms.CharField):
    """An email address, kept as typed. Django's own field accepts what no mail server does (threat model F8)."""

    NONE = _("Please enter an email address, such as name@example.org.")

    def clean(self, value: Any) -> str:
        typed = super().clean(value)
        try:
            return email_addresses.validate(typed)
        except email_addresses.InvalidEmailAddress as error:
            raise forms.ValidationError(str(error) or self.NONE) from None


class ConsentField(forms.BooleanField):
    REQUIRED = _("Please tick this box: without your consent we may store nothing.")
    TO_LETTER = _("I put my name under this letter, and agree that what I entered is stored and used as I chose.")
    TO_TEXT = _(
        "I put my name under the %(language)s text of this letter, and agree that what I entered is stored and used as"
        " I chose."
    )
    widget = forms.CheckboxInput(attrs={"data-required-message": REQUIRED})

    def __init__(self) -> None:
        super().__init__(label=self.TO_LETTER, error_messages={"required": self.REQUIRED})

    @classmethod
    def label_for(cls, language: str) -> str:
        """Returns the label where it must say which text is signed."""
        return str(cls.TO_TEXT % {"language": describe(language).name})


# Encodings whose byte order is the order of the language; django-countries sorts Latin letters only. Hangul syllables
# are in order in Unicode. GB has the usual Chinese characters by sound, Big5 by strokes.
_SORTED_ENCODINGS = {"ko": "utf-8", "zh-hans": "gb18030", "zh-hant": "big5"}


@cache
def _country_options(language: str) -> SafeString:
    """Returns the options of all countries, sorted in this language.

    Django would render a template for each of them, which would take most of the time of a page.
    """
    found = list(countries)
    if language in _SORTED_ENCODINGS:
        found.sort(key=lambda country: str(country.name).encode(_SORTED_ENCODINGS[language], "replace"))
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
    """A country by its code. Its names are translated only where they are shown."""

    CODES = frozenset(countries.countries)
    widget = CountrySelect

    def __init__(self, *, nothing: str | Promise, **options: Any) -> None:
        super().__init__(required=False, **options)
        self.widget.nothing = nothing

    def valid_value(self, value: Any) -> bool:
        return value in self.CODES
