"""The fields of the signing forms: how one value that was typed is cleaned."""

from collections.abc import Mapping
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
from signatures.signing.form_layout import for_either
from signatures.values import email_addresses, names


class Choices(forms.RadioSelect):
    """Radio buttons, each with a sentence that explains it, laid out by `signing/choices.html`.

    Args:
        hints: the sentence of each value.
    """

    def __init__(self, hints: Mapping[str, str | Promise] | None = None) -> None:
        super().__init__()
        self.hints = hints or {}

    def create_option(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(*arguments, **options)
        option["hint"] = self.hints.get(str(option["value"]), "")
        described_by = [f"{option['attrs']['id']}_hint"] if option["hint"] else []
        if "aria-invalid" in option["attrs"]:
            described_by.append(f"{options['attrs']['id']}_error")
        if described_by:
            option["attrs"]["aria-describedby"] = " ".join(described_by)
        return option


class LineField(forms.CharField):
    """One line that a signer types, cleaned by `names.clean_line`. Its errors name it.

    Args:
        typed_field: its name in `TYPED_FIELDS`.
        named: how errors call it; default: by its label.
    """

    def __init__(self, typed_field: str, *, named: str | Promise = "", **options: Any) -> None:
        self.longest, self.named = MAX_LENGTHS[typed_field], named
        super().__init__(strip=False, required=False, **options)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Browsers count in UTF-16 units what is not composed yet; the script of the page counts as we do."""
        return {**super().widget_attrs(widget), "maxlength": self.longest}

    def to_python(self, value: Any) -> str:
        try:
            return self.tidy("" if value is None else str(value))
        except names.InvalidName as error:
            named = {"field": self.named or self.label, "problem": str(error)}
            raise forms.ValidationError(_("%(field)s: %(problem)s"), params=named) from None

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

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "maxlength": email_addresses.MAX_LENGTH}

    def clean(self, value: Any) -> str:
        typed = super().clean(value)
        try:
            return email_addresses.validate(typed)
        except email_addresses.InvalidEmailAddress as error:
            raise forms.ValidationError(str(error) or self.NONE) from None


class Checkbox(forms.CheckboxInput):
    """Checked is "on", as browsers send it, and nothing else: `consent=off` is no consent."""

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        return data.get(name) == "on"


class HiddenCheckbox(Checkbox):
    """For a consent that the label of a button says."""

    input_type, template_name = "hidden", "django/forms/widgets/hidden.html"


class ConsentField(forms.BooleanField):
    REQUIRED = _("Please check this box. Without your consent, we may not store anything.")
    TO_LETTER = for_either(
        _("I put my name under this letter, and agree that what I entered is stored and used as I chose."),
        _("I put our name under this letter, and agree that what I entered is stored and used as I chose."),
    )
    TO_TEXT = (
        _(
            "I put my name under the %(language)s text of this letter, and agree that what I entered is stored and used"
            " as I chose."
        ),
        _(
            "I put our name under the %(language)s text of this letter, and agree that what I entered is stored and"
            " used as I chose."
        ),
    )
    widget = Checkbox(attrs={"data-required-message": REQUIRED})

    def __init__(self) -> None:
        super().__init__(label=self.TO_LETTER, error_messages={"required": self.REQUIRED})

    @classmethod
    def label_for(cls, language: str) -> SafeString:
        """Returns the label where it must say which text is signed."""
        return for_either(*(words % {"language": describe(language).name} for words in cls.TO_TEXT))


# Encodings whose byte order is the order of the language; django-countries sorts Latin letters only. Hangul syllables
# and Arabic letters are in order in Unicode. JIS and GB have the usual characters by sound, Big5 by strokes.
_SORTED_ENCODINGS = {"ar": "utf-8", "ja": "euc_jp", "ko": "utf-8", "zh-hans": "gb18030", "zh-hant": "big5"}


@cache
def _country_options(language: str) -> SafeString:
    """Returns the options of all countries, sorted in this language.

    Django would render a template for each of them, which would take most of the time of a page.
    """
    found = list(countries)
    if language in _SORTED_ENCODINGS:
        found.sort(key=lambda country: str(country.name).encode(_SORTED_ENCODINGS[language], "replace"))
    return format_html_join("\n", '<option value="{}">{}</option>', found)


def select_country(html: str, code: Any) -> str:
    """Returns the options of countries, or a page that has them once, with this country chosen."""
    return html.replace(f'value="{code}"', f'value="{code}" selected') if code in CountryField.CODES else html


class CountrySelect(forms.Select):
    nothing: str | Promise = ""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        options = SafeString(select_country(_country_options(get_language() or "en"), value))
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
