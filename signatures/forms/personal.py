"""The forms of the personal page, and the one that asks for the link to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from crispy_forms.layout import Layout
from django import forms
from django.utils.translation import gettext_lazy as _

from campaign.models import Translation
from signatures import mailboxes
from signatures.fields import Address
from signatures.forms.words import ConsentForm, WordsForm, problems_of
from signatures.models import Kind, Signature


class OfSignature(WordsForm):
    """A form on the personal page: it begins with what is stored."""

    no_updates = forms.BooleanField(label=_("Send me no more mails about what becomes of the letter"), required=False)

    @classmethod
    def of(cls, signature: Signature, translation: Translation, data: Mapping[str, Any] | None = None) -> Self:
        fields = ("kind", *Signature.WORDS, "country", "visibility")
        form = cls(data, translation=translation, initial={field: getattr(signature, field) for field in fields})
        if signature.sealed_address is None:
            del form.fields["no_updates"]
        return form

    def layout(self) -> Layout:
        ours = super().layout().fields
        return Layout(*ours[:-1], *(["no_updates"] if "no_updates" in self.fields else []), ours[-1])


class ConfirmForm(OfSignature, ConsentForm):
    """The words as they were typed, to be mended, and sent by the person whose mailbox it is."""


class ChangeForm(OfSignature):
    """The words as they stand, to be replaced. Who signed as a person stays one, and an organisation likewise."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["kind"].disabled = True
        self.fields["kind"].widget = forms.HiddenInput()
        if self.initial.get("kind") != Kind.ORGANISATION:
            self.fields["speaker"].widget = forms.HiddenInput()


class MyLinkForm(forms.Form):
    """The address to which somebody wants their personal link again."""

    email = Address(label=_("Mail address"), widget=forms.EmailInput(attrs={"autocomplete": "email"}))

    @property
    def problems(self) -> list[tuple[str, str, str]]:
        return problems_of(self, self.fields)

    def buckets(self, network: str) -> dict[str, str]:
        return {"network": network, "mailbox": mailboxes.canonical(self.cleaned_data["email"])}
