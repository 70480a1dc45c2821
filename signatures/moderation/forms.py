"""The form in which a reader reports a public name."""

from django import forms
from django.utils.translation import gettext_lazy as _

from signatures.registries import ReportReason


class ReportForm(forms.Form):
    """Why a reader reports a public name. No words: what somebody says of another is stored nowhere."""

    PLEASE = _("Please choose what is wrong.")

    why = forms.ChoiceField(
        label=_("What is wrong with it?"),
        choices=ReportReason,
        widget=forms.RadioSelect,
        error_messages={"required": PLEASE, "invalid_choice": PLEASE},
    )
