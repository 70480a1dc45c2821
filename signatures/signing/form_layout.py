"""How the signing forms are laid out on the page, and the summary of their errors."""

from collections.abc import Iterable
from typing import Any

from crispy_forms.layout import Field, Fieldset, Layout
from django import forms
from django.forms.utils import flatatt
from django.utils.functional import Promise, lazy
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from signatures.registries.typed_fields import TYPED_NAMES

CHOICES = ("kind", "visibility")
OPEN_FIELDS = ("name", "spokesperson")  # the others are behind a summary
OPTIONAL_FIELDS = tuple(name for name in TYPED_NAMES if name not in CHOICES + OPEN_FIELDS)


def for_either(person: str | Promise, organization: str | Promise) -> SafeString:
    """Returns words for a person and for an organization. The style sheet shows those that fit the choice of `kind`."""
    return lazy(format_html, SafeString)(
        '<span class="of-person">{}</span><span class="of-organization">{}</span>', person, organization
    )


class CollapsedFieldset(Fieldset):  # type: ignore[misc]  # crispy-forms has no types
    """Fields behind a summary; open where one of them is filled in or wrong."""

    template = "signing/collapsed_fieldset.html"

    def render(self, form: forms.Form, *arguments: Any, **options: Any) -> Any:
        is_open = any(form[field].value() or form[field].errors for field in self.fields)
        self.flat_attrs = flatatt({"open": is_open})
        return super().render(form, *arguments, **options)


def signer_layout() -> Layout:
    """Returns the choices, the fields that are always open, and the others behind a summary."""
    choices = (Field(name, template="signing/choices.html") for name in CHOICES)
    summary = _("More about you (optional)")
    return Layout(*choices, *OPEN_FIELDS, CollapsedFieldset(summary, *OPTIONAL_FIELDS, css_class="optional"))


def error_summary(form: forms.Form, order: Iterable[str]) -> list[tuple[str, str, str]]:
    """Returns the errors for the summary above the form: the target of the link, the label of the field, the error."""
    return [
        (_focusable(form[field]), str(form[field].label), str(error))
        for field in order
        for error in form.errors.get(field, [])
    ]


def _focusable(field: forms.BoundField) -> str:
    """Returns where a link to this field puts the focus: the letter for a hidden field, the first choice of a group."""
    return "content" if field.is_hidden else field.id_for_label or f"{field.auto_id}_0"
