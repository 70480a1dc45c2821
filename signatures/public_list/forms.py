"""The form of the public list."""

from django import forms
from django.utils.translation import gettext_lazy as _

from signatures.public_list import search
from signatures.signing.form_fields import CountryField


class ListForm(forms.Form):
    q = forms.CharField(
        label=_("Name or organization"),
        required=False,
        max_length=search.MAX_QUERY_LENGTH,
        widget=forms.TextInput(attrs={"type": "search"}),
        error_messages={"max_length": _("Please search for at most %(limit_value)d characters.")},
    )
    country = CountryField(label=_("Country"), nothing=_("all countries"))
    order = forms.ChoiceField(
        label=_("Order"), required=False, choices=[("", _("newest first")), ("name", _("by name, grouped by script"))]
    )
