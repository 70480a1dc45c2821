"""The forms of signing: beside the letter, on the personal page, and the one that asks for the personal link."""

from collections.abc import Mapping, MutableMapping
from copy import copy
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Layout
from django import forms
from django.utils.functional import cached_property
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from campaign.models import Translation
from signatures.registries.typed_fields import TYPED_NAMES, WORDS
from signatures.signing.form_fields import (
    Checkbox,
    Choices,
    ConsentField,
    CountryField,
    CountrySelect,
    EmailAddressField,
    LineField,
    NameField,
    TextField,
)
from signatures.signing.form_layout import error_summary, for_either, signer_layout
from signatures.signing.signer_input import SignerInput
from signatures.states import Kind, Visibility
from signatures.values import email_addresses, form_stamps

NAME_REQUIRED = _("Please enter your name, or choose to be counted without it.")
ADDRESS_REQUIRED = _("Please enter your email address: we send you a link there to confirm.")
MY_ADDRESS_REQUIRED = _("Please enter your email address.")


class _SharedFields(dict[str, forms.Field]):
    """The fields of a form class, which a form takes as they are. Django copies all of them for each form."""

    def __deepcopy__(self, memo: object) -> dict[str, forms.Field]:
        return dict(self)


class SignerForm(forms.Form):
    """What signing, confirming and changing have in common: `TYPED_FIELDS`.

    A form that only cleans what was sent need not be able to be shown: that is half of what it costs.

    Args:
        data: what was sent.
        translation: the text that is signed.
        is_shown: whether it may be laid out on a page. Layout changes the fields, so that each such form has its own.
        options: those of Django's forms.
    """

    kind = forms.ChoiceField(
        label=_("How do you sign?"),
        choices=[(Kind.PERSON, _("As a person")), (Kind.ORGANIZATION, _("For an organization"))],
        required=False,
        initial=Kind.PERSON,
        widget=Choices,
    )
    visibility = forms.ChoiceField(
        label=_("Who may see your name?"),
        choices=[
            (
                Visibility.PUBLIC,
                for_either(_("Show my name here and in the letter"), _("Show our name here and in the letter")),
            ),
            (
                Visibility.DELIVERY,
                for_either(_("Show my name in the letter only"), _("Show our name in the letter only")),
            ),
            (Visibility.COUNTED, for_either(_("Count me without my name"), _("Count us without our name"))),
        ],
        widget=Choices(
            {
                Visibility.PUBLIC: _("Anyone can find it on the web."),
                Visibility.DELIVERY: _("The recipient sees it. This website does not show it."),
                Visibility.COUNTED: _("We store no name."),
            }
        ),
        error_messages=dict.fromkeys(["required", "invalid_choice"], _("Please choose who may see your name.")),
    )
    name = NameField(
        "name",
        named=_("Name"),
        label=for_either(_("Your name"), _("Name of the organization")),
        help_text=for_either(_("Write it as you want it read. A pen name is fine."), ""),
        widget=forms.TextInput(attrs={"autocomplete": "name", "data-required-message": NAME_REQUIRED}),
    )
    spokesperson = LineField(
        "spokesperson",
        label=_("Who speaks for the organization?"),
        named=_("Who speaks for it"),
        help_text=_("Name and title. Only our staff see it. Without it, we have to ask you."),
    )
    role = LineField(
        "role", label=_("Role or title"), widget=forms.TextInput(attrs={"autocomplete": "organization-title"})
    )
    organization = LineField(
        "organization",
        label=_("Organization"),
        help_text=_("If you belong to one."),
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    country = CountryField(
        label=_("Country"),
        nothing=_("prefer not to say"),
        widget=CountrySelect(attrs={"autocomplete": "country"}),
        error_messages={"invalid_choice": _("Please choose a country from the list.")},
    )
    comment = TextField(
        "comment",
        label=_("A note to the organizers"),
        help_text=_("Only our staff read it."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        translation: Translation,
        is_shown: bool = True,
        **options: Any,
    ) -> None:
        if not is_shown:
            self.base_fields = _SharedFields(self.base_fields)  # type: ignore[misc]  # Django reads it from the form
        super().__init__(data, **options)
        self.translation, self.is_shown = translation, is_shown

    @cached_property
    def helper(self) -> FormHelper:
        """How crispy-forms lays the form out; made only for a form that is shown."""
        helper = FormHelper()
        helper.form_tag = False
        helper.disable_csrf = True
        helper.layout = self.layout()
        return helper

    def layout(self) -> Layout:
        return signer_layout()

    def clean_kind(self) -> str:
        return self.cleaned_data["kind"] or Kind.PERSON

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("kind") != Kind.ORGANIZATION:
            self._drop("spokesperson")  # nobody speaks for a person
        if cleaned.get("visibility") == Visibility.COUNTED:
            self._drop(*WORDS)
        elif cleaned.get("name") == "":
            self.add_error("name", NAME_REQUIRED)
        return cleaned

    def _drop(self, *hidden: str) -> None:
        """Forget what was typed into fields that this choice hides, so that nothing stores it or complains of it."""
        for name in hidden:
            self.errors.pop(name, None)
            self.cleaned_data[name] = ""

    def signer_input(self) -> SignerInput:
        """Returns what was typed into a valid form."""
        values = {name: self.cleaned_data[name] for name in TYPED_NAMES}
        return SignerInput(translation=self.translation, page_language=get_language() or "en", values=values)

    @property
    def order(self) -> list[str]:
        """The names of the fields in the order of the page."""
        return [pointer.name for pointer in self.helper.layout.get_field_names()]

    @property
    def problems(self) -> list[tuple[str, str, str]]:
        return error_summary(self, self.order)


class ConsentForm(SignerForm):
    """Words put under a text, with consent: under the text that was on the page, and no other."""

    consent = ConsentField()
    text = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if not self.is_shown:
            return
        self.fields["text"].initial = self.translation.digest
        if {*getattr(self.translation, "languages", ()), get_language()} != {self.translation.language}:
            self.fields["consent"].label = ConsentField.label_for(self.translation.language)

    def layout(self) -> Layout:
        return Layout(*super().layout().fields, "text", "consent", HTML('{% include "signing/privacy_link.html" %}'))

    def clean_text(self) -> str:
        digest: str = self.cleaned_data["text"]
        if digest != self.translation.digest:
            # The text was published anew since: the form is shown again with the digest of the new one.
            self.data = {**self.data.dict(), "text": self.translation.digest}  # type: ignore[attr-defined]  # a QueryDict when bound
            raise forms.ValidationError(
                _("The letter has changed since you opened this page. Please read it again, then sign.")
            )
        return digest


class SignForm(ConsentForm):
    """The form beside the letter."""

    # What the script keeps in the tab until it is sent; never the consent.
    DRAFT_FIELDS = (*TYPED_NAMES, "email", "updates")

    email = EmailAddressField(
        label=_("Email address"),
        help_text=_("Shown to nobody. We email you a link to confirm."),
        widget=forms.EmailInput(
            attrs={
                "autocomplete": "email",
                "data-required-message": ADDRESS_REQUIRED,
                "data-invalid-message": EmailAddressField.NONE,
            }
        ),
        error_messages={"required": ADDRESS_REQUIRED},
    )
    email_is_right = forms.CharField(required=False, widget=forms.HiddenInput)  # "on", or which address was insisted on
    updates = forms.BooleanField(
        label=_("Email me when there is news about the letter"), required=False, widget=Checkbox
    )
    website = forms.CharField(
        label=_("Leave this empty"),
        required=False,
        widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}),
    )
    stamp = forms.CharField(required=False, widget=forms.HiddenInput, initial=form_stamps.make_stamp)
    seconds = forms.CharField(required=False, widget=forms.HiddenInput)  # by script alone: how long the form was open
    proof = forms.CharField(required=False)  # by script alone, and not in the layout: see `signing/proof_of_work.html`

    suggestion: str | None = None  # the address that was probably meant, when the domain looks like a typo

    def __init__(self, data: MutableMapping[str, Any] | None = None, **options: Any) -> None:
        if data and "email_meant" in data:  # the button that takes the suggestion
            data = copy(data)
            data["email"] = data["email_meant"]
        # The other button sends "on". Kept as the address, so that another one is asked about again.
        if data and "@" not in data.get("email_is_right", "@"):
            data = copy(data)
            data["email_is_right"] = data.get("email", "")
        super().__init__(data, **options)

    def layout(self) -> Layout:
        *fields, consent, _privacy_link = super().layout().fields  # its page has one below the button
        insisted = ["email_is_right"] if self.data.get("email_is_right") else []
        return Layout(
            *fields,
            *insisted,  # before the buttons, one of which may take its place
            "email",
            "updates",
            consent,
            Div("website", css_class="offscreen", aria_hidden="true"),
            "stamp",
            "seconds",
        )

    @property
    def typed(self) -> list[str]:
        """The words that were typed, for a page that has no form any more to show them in."""
        return [words for name in (*WORDS, "email") if name != "country" and (words := self.data.get(name))]

    def clean_seconds(self) -> int | None:
        """Returns how long the form was open; None when no script measured it."""
        typed: str = self.cleaned_data["seconds"]
        return int(typed[:9]) if typed.isdecimal() else None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("email") and self.data.get("email_is_right") != self.data["email"]:
            self.suggestion = email_addresses.typo_suggestion(cleaned["email"])
            if self.suggestion:
                self.add_error("email", _("Is this email address right?"))
        return cleaned


class MyLinkForm(forms.Form):
    """The address to which somebody wants their personal link again."""

    email = EmailAddressField(
        label=_("Email address"),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={"required": MY_ADDRESS_REQUIRED},
    )

    @property
    def problems(self) -> list[tuple[str, str, str]]:
        return error_summary(self, self.fields)
