"""The form of the public page of a delivery: checks whether a receipt or a digest belongs to it."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaign.runtime.regular_expressions import linear
from campaign.templatetags.languages import language_name
from signatures.delivery import editions, frozen_texts, receipts
from signatures.models import Delivery, DeliveryEdition

_DIGEST = linear(r"\A(?:[0-9a-f]{2}\s?){31}[0-9a-f]{2}(?=\s|$)")


class ProofForm(forms.Form):
    """Takes a receipt or a SHA-256, and is valid if it belongs to the delivery."""

    proof = forms.CharField(
        label=_("A receipt, or the SHA-256 of a file"),
        help_text=_("We check it and forget it. Nothing is stored."),
        max_length=receipts.MAX_LENGTH,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false", "autocomplete": "off"}),
        error_messages={
            "required": _("Please paste a receipt or a SHA-256."),
            "max_length": _("This is too long for a receipt."),
        },
    )

    receipt: receipts.Receipt | None = None  # set if a receipt belongs
    file = ""  # the file whose digest was typed

    def __init__(self, data: Mapping[str, Any] | None = None, *, delivery: Delivery) -> None:
        super().__init__(data)
        self.delivery = delivery

    def clean_proof(self) -> str:
        typed: str = self.cleaned_data["proof"]
        if digest := _digest_in(typed):
            self.file = self._known_digests().get(digest, "")
            if not self.file:
                raise forms.ValidationError(
                    _(
                        "This is not the SHA-256 of a file in this delivery. Your file is a different one, or it was"
                        " changed."
                    )
                )
            return typed
        try:
            self.receipt = receipts.read(typed, digest=self.delivery.digest)
        except receipts.InvalidReceipt as reason:
            raise forms.ValidationError(str(reason)) from None
        return typed

    def _known_digests(self) -> dict[str, str]:
        texts = {
            text["digest"]: _("the text of revision %(number)s (%(language)s)")
            % {"number": text["revision"], "language": language_name(text["language"])}
            for text in frozen_texts.each_once(self.delivery.texts)
        }
        return {
            **known_files(self.delivery, [*editions.not_public_yet(self.delivery), *editions.public(self.delivery)]),
            **texts,
            self.delivery.root: str(_("the root of all leaves")),
        }

    @property
    def problems(self) -> list[tuple[str, str, str]]:
        return [("id_proof", str(self["proof"].label), str(error)) for error in self.errors.get("proof", [])]


def known_files(delivery: Delivery, editions: Iterable[DeliveryEdition]) -> dict[str, str]:
    """Returns the name of each file of these editions, by its SHA-256; the last one decides."""
    files = {digest: name for name, digest in delivery.files.items()}  # of version 0.9
    for edition in editions:
        files |= {
            digest: _("%(file)s of edition %(number)s") % {"file": name, "number": edition.number}
            for name, digest in edition.digests(delivery.package)
        }
    if delivery.digest:
        files[delivery.digest] = gettext("the statement: this is the digest of the delivery")
    return files


def _digest_in(typed: str) -> str:
    """Returns the SHA-256 that the text begins with, in any form that programs print, or an empty text."""
    found = _DIGEST.match(typed.strip().lower())
    return "".join(found[0].split()) if found else ""
