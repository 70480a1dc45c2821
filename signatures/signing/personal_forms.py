"""The forms on the page behind the link: to confirm what was submitted, and to change what is stored."""

from collections.abc import Mapping
from typing import Any, Self

from crispy_forms.layout import HTML, Layout
from django import forms
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from campaign.models import Translation
from signatures.models import Signature, Submission
from signatures.registries.typed_fields import BESIDE_NAME, DELIVERED, TYPED_NAMES
from signatures.signing.form_fields import Checkbox, HiddenCheckbox
from signatures.signing.forms import ConsentForm, SignerForm
from signatures.states import Kind

CONSENT_BY_BUTTON = _("We may store nothing without your consent. If you agree, please press the button again.")
NAME_TAKEN = _("Another person can sign from this mailbox only with a name of their own. Please enter yours.")
LINK_USED = _("This link leads to a signature already. To sign as another person, please use the form of the letter.")
VERY_LONG = 300  # characters of what readers see
TOO_MANY_CHANGES = _("You changed your signature many times today. Please try again tomorrow.")


class SignatureForm(SignerForm):
    """A form on the personal page: it begins with what is stored."""

    no_updates = forms.BooleanField(label=_("Stop emailing me news about the letter"), required=False, widget=Checkbox)

    @classmethod
    def of(
        cls,
        row: Signature | Submission,
        translation: Translation,
        data: Mapping[str, Any] | None = None,
        *,
        is_shown: bool = True,
    ) -> Self:
        initial = {name: getattr(row, name) for name in TYPED_NAMES} | {"visibility": row.chosen_visibility}
        form = cls(data, translation=translation, initial=initial, is_shown=is_shown)
        if row.sealed_address is None:
            del form.fields["no_updates"]
        return form

    @property
    def stored(self) -> list[tuple[str, str, str]]:
        """Name, label and stored value of each field beside the name that the signer filled in."""
        return [(name, str(self.fields[name].label), self.initial[name]) for name in BESIDE_NAME if self.initial[name]]

    def layout(self) -> Layout:
        *fields, last = super().layout().fields
        return Layout(*fields, *(["no_updates"] if "no_updates" in self.fields else []), last)


class ConfirmForm(SignatureForm, ConsentForm):
    """What was submitted, to be confirmed by the owner of the email address, as it is or corrected.

    The label of the button is the consent, which the page sends with it.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["consent"] = forms.BooleanField(
            widget=HiddenCheckbox, error_messages={"required": CONSENT_BY_BUTTON}
        )

    def layout(self) -> Layout:
        return Layout(
            *(field for field in super().layout().fields if field != "consent" and not isinstance(field, HTML))
        )

    @property
    def order(self) -> list[str]:
        return [*super().order, "consent"]

    @cached_property
    def as_shown(self) -> dict[str, str]:
        """What one button puts under the letter: shown in words beside it, and sent with it.

        Empty where something that was typed is wrong, so that it has to be corrected first.
        """
        if self.errors.keys() - {"text", "consent"}:
            return {}
        cleaned = getattr(self, "cleaned_data", {})
        return {name: cleaned.get(name, self[name].value() or "") for name in TYPED_NAMES}

    @property
    def beside_name(self) -> list[tuple[str, str]]:
        """What readers see beside the name, as (field, value)."""
        return [(name, self.as_shown[name]) for name in BESIDE_NAME if name in DELIVERED and self.as_shown[name]]

    @property
    def is_very_long(self) -> bool:
        """Whether the words are set smaller, so that the button stays on the first screen of a phone."""
        return sum(len(self.as_shown[name]) for name in ("name", *dict(self.beside_name))) > VERY_LONG

    @property
    def for_staff(self) -> list[tuple[str, str]]:
        """What staff alone read, as (label, value)."""
        shown = self.as_shown
        return [
            (str(self.fields[name].label), shown[name]) for name in BESIDE_NAME if name not in DELIVERED and shown[name]
        ]


class ChangeForm(SignatureForm):
    """What is stored, to be replaced. A person stays a person, and an organization stays one."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["kind"].disabled = True
        self.fields["kind"].widget = forms.HiddenInput()
        if self.initial.get("kind") != Kind.ORGANIZATION:
            self.fields["spokesperson"].widget = forms.HiddenInput()
