"""Model fields for languages: those of the site, as choices, and those that a text may be written in."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from campaign.letters import languages


def language_choices() -> list[tuple[str, str]]:
    """Returns the codes and names of the site's languages.

    A migration keeps the name of this function and not the list, so that a new language needs no migration.
    """
    return list(settings.LANGUAGES)


def check_language(code: str) -> None:
    """Check that a code is on the list.

    Raises:
        ValidationError: if it is not. The sentence names the code that was probably meant.
    """
    if not languages.is_known(code):
        meant = languages.suggestion(code)
        raise ValidationError("Write the code, such as fr." + (f" Did you mean {meant}?" if meant else ""))


class LanguageInput(forms.TextInput):
    """A field for a code; the browser offers those that fit what is typed, by code or name."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        offered = f"{(attrs or {}).get('id', name)}-offered"
        options = format_html_join("", '<option value="{}">{}</option>', languages.names().items())
        field = super().render(name, value, {**(attrs or {}), "list": offered, "autocomplete": "off"}, renderer)
        return format_html('{}<datalist id="{}">{}</datalist>', field, offered, options)


class LanguageFormField(forms.CharField):
    widget = LanguageInput
    default_validators = [check_language]  # noqa: RUF012  as Django declares it

    def to_python(self, value: Any) -> str:
        return languages.normalize(super().to_python(value) or "")


class LanguageField(models.CharField[str, str]):
    """The language of a text: any of `languages.codes()`, in one spelling."""

    default_validators = [check_language]  # noqa: RUF012  as Django declares it

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"max_length": languages.MAX_LENGTH, **options})

    def to_python(self, value: Any) -> str:
        return languages.normalize(str(super().to_python(value) or ""))

    def formfield(self, **options: Any) -> Any:
        help_text = options.pop("help_text", "") or "The code, such as fr, ar or zh-hans."
        return super().formfield(
            **{**options, "form_class": LanguageFormField, "widget": LanguageInput, "help_text": help_text}
        )
