"""The form in which a reader reports a public name."""

from django import forms
from django.utils.translation import gettext_lazy as _

from signatures.registries import ReportReason


class ReportForm(forms.Form):
    """The reason why a reader reports a public name: a code, because no words of one person about another are kept."""

    PLEASE = _("Please choose what is wrong.")

    why = forms.ChoiceField(
        label=_("What is wrong with it?"),
        choices=ReportReason,
        widget=forms.RadioSelect,
        error_messages={"required": PLEASE, "invalid_choice": PLEASE},
    )
