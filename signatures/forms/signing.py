"""The form beside the letter."""

from __future__ import annotations

from collections.abc import MutableMapping
from copy import copy
from typing import Any

from crispy_forms.layout import HTML, Div, Layout
from django import forms
from django.utils.translation import gettext_lazy as _

from signatures import blocks, mailboxes, suspicion
from signatures.fields import Address
from signatures.forms.words import ConsentForm

NO_ADDRESS = _("Please enter your mail address: we send you a link there to confirm.")


class SignForm(ConsentForm):
    """The form beside the letter."""

    email = Address(
        label=_("Mail address"),
        help_text=_(
            "We send your personal link there. The address is shown to nobody, and not kept unless you ask for updates."
        ),
        widget=forms.EmailInput(
            attrs={
                "autocomplete": "email",
                "maxlength": mailboxes.LONGEST,
                "data-missing": NO_ADDRESS,
                "data-odd": Address.NONE,
            }
        ),
        error_messages={"required": NO_ADDRESS},
    )
    email_is_right = forms.BooleanField(required=False, widget=forms.HiddenInput)
    updates = forms.BooleanField(label=_("Tell me what becomes of the letter"), required=False)
    website = forms.CharField(
        label=_("Leave this empty"),
        required=False,
        widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}),
    )
    stamp = forms.CharField(required=False, widget=forms.HiddenInput, initial=suspicion.stamp)
    seconds = forms.CharField(required=False, widget=forms.HiddenInput)  # by script alone: how long the form was open

    suggestion: str | None = None  # the address that was meant, where the one that was typed looks like a slip

    def __init__(self, data: MutableMapping[str, Any] | None = None, **options: Any) -> None:
        if data and "email_meant" in data:  # the button that takes the suggestion
            data = copy(data)
            data["email"] = data["email_meant"]
        super().__init__(data, **options)

    def layout(self) -> Layout:
        return Layout(
            *super().layout().fields[:-1],
            "email",
            HTML('{% include "signatures/slip.html" %}'),
            "updates",
            "consent",
            Div("website", css_class="apart", aria_hidden="true"),
            "stamp",
            "seconds",
        )

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        if found.get("email") and not found.get("email_is_right"):
            self.suggestion = mailboxes.slip(found["email"])
            if self.suggestion:
                self.add_error("email", _("Is this address right? Please choose below."))
        return found

    network = ""  # from which it came; the view tells

    @property
    def open_for(self) -> int | None:
        """How long the form was open, where script told."""
        told: str = self.cleaned_data["seconds"]
        return int(told[:9]) if told.isdecimal() else None

    def flags(self) -> list[str]:
        found = self.cleaned_data
        raised = suspicion.flags(
            found,
            trap=found["website"],
            stamp=found["stamp"],
            seconds=self.open_for,
            mailbox=found["email"].rpartition("@")[0],
            domains=mailboxes.domains_of(found["email"]),
            figures=self.figures,
            organisation=self.is_organisation,
        )
        domain = mailboxes.domain_of(found["email"])
        return raised + blocks.flags(found, likeness=suspicion.likeness, domain=domain, network=self.network)

    def buckets(self) -> dict[str, str]:
        """Whose buckets this sign-up falls into (`limits.touch`)."""
        address = self.cleaned_data["email"]
        small_domain = mailboxes.small_domain_of(address)
        return {
            "network": self.network,
            "mailbox": mailboxes.canonical(address),
            "domain": mailboxes.domain_of(address),
            "site": "",
            **({"small-domain": small_domain} if small_domain else {}),
            **({} if suspicion.is_by_hand(self.open_for) else {"no-hand": self.network}),
            **self.words_buckets(),
        }
