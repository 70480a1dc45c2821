"""The forms of signing: beside the letter, on the personal page, and the one that asks for the personal link."""

from collections.abc import Iterable, Mapping, MutableMapping
from copy import copy
from typing import Any, Self

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Field, Fieldset, Layout
from django import forms
from django.forms.utils import flatatt
from django.utils.functional import cached_property
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from campaign.models import Translation
from signatures.models import Signature, Submission
from signatures.registries.typed_fields import BESIDE_NAME, TYPED_NAMES, WORDS
from signatures.signing.form_fields import (
    ConsentField,
    CountryField,
    CountrySelect,
    EmailAddressField,
    LineField,
    NameField,
    TextField,
)
from signatures.signing.signer_input import SignerInput
from signatures.states import Kind, Visibility
from signatures.values import email_addresses, form_stamps

NAME_REQUIRED = _("Please enter your name, or choose to be counted without it.")
ADDRESS_REQUIRED = _("Please enter your email address: we send you a link there to confirm.")
NAME_TAKEN = _("Another person can sign from this mailbox only with a name of their own. Please enter yours.")
LINK_USED = _("This link leads to a signature already. To sign as another person, please use the form of the letter.")
TOO_MANY_CHANGES = _("You changed your signature many times today. Please try again tomorrow.")

REQUIRED_FIELDS = ("kind", "visibility", "name", "spokesperson")  # always open; the others are behind a summary
OPTIONAL_FIELDS = tuple(name for name in TYPED_NAMES if name not in REQUIRED_FIELDS)


class CollapsedFieldset(Fieldset):  # type: ignore[misc]  # crispy-forms has no types
    """Fields behind a summary; open where one of them is filled in or wrong."""

    template = "signing/collapsed_fieldset.html"

    def render(self, form: forms.Form, *arguments: Any, **options: Any) -> Any:
        is_open = any(form[field].value() or form[field].errors for field in self.fields)
        self.flat_attrs = flatatt({"open": is_open})
        return super().render(form, *arguments, **options)


class SignerForm(forms.Form):
    """What signing, confirming and changing have in common: `TYPED_FIELDS`."""

    kind = forms.ChoiceField(
        label=_("I sign as"), choices=Kind, required=False, initial=Kind.PERSON, widget=forms.RadioSelect
    )
    visibility = forms.ChoiceField(
        label=_("Where may your name stand?"),
        choices=[
            (Visibility.PUBLIC, _("On this website and in the delivered letter")),
            (Visibility.DELIVERY, _("In the delivered letter only")),
            (Visibility.COUNTED, _("Nowhere. Count me without my name")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("Please choose where your name may stand.")},
    )
    name = NameField(
        "name",
        label=_("Your name, or that of the organization"),
        help_text=_("As you wish it to be read, in any script. A person may take a pseudonym."),
        widget=forms.TextInput(attrs={"autocomplete": "name", "data-required-message": NAME_REQUIRED}),
    )
    spokesperson = LineField(
        "spokesperson",
        label=_("Who speaks for it"),
        help_text=_("Name and office. Only our staff see it; without it they have to ask you."),
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
        label=_("Country"), nothing=_("rather not say"), widget=CountrySelect(attrs={"autocomplete": "country"})
    )
    comment = TextField(
        "comment",
        label=_("A word to the organizers"),
        help_text=_("Only our staff read it."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, translation: Translation, **options: Any) -> None:
        super().__init__(data, **options)
        self.translation = translation

    @cached_property
    def helper(self) -> FormHelper:
        """How crispy-forms lays the form out; made only for a form that is shown."""
        helper = FormHelper()
        helper.form_tag = False
        helper.disable_csrf = True
        helper.layout = self.layout()
        return helper

    def layout(self) -> Layout:
        summary = _("If you like: role, organization, country, comment")
        return Layout(*map(Field, REQUIRED_FIELDS), CollapsedFieldset(summary, *OPTIONAL_FIELDS, css_class="optional"))

    def clean_kind(self) -> str:
        return self.cleaned_data["kind"] or Kind.PERSON

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("kind") != Kind.ORGANIZATION:
            cleaned["spokesperson"] = ""  # nobody speaks for a person
        is_named = cleaned.get("visibility") in {Visibility.PUBLIC, Visibility.DELIVERY}
        if is_named and "name" in cleaned and not cleaned["name"]:
            self.add_error("name", NAME_REQUIRED)
        if cleaned.get("visibility") == Visibility.COUNTED:
            cleaned.update(dict.fromkeys(WORDS, ""))  # dropped here, so that nothing ever stores them
        return cleaned

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


class ConsentForm(SignerForm):
    """Words put under a text, with consent: under the text that was on the page, and no other."""

    consent = ConsentField()
    text = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
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
        help_text=_(
            "We send your personal link there, and one reminder. The address is shown to nobody. It is kept sealed"
            " until then, a week at most, and longer only if you ask for updates."
        ),
        widget=forms.EmailInput(
            attrs={
                "autocomplete": "email",
                "maxlength": email_addresses.MAX_LENGTH,
                "data-required-message": ADDRESS_REQUIRED,
                "data-invalid-message": EmailAddressField.NONE,
            }
        ),
        error_messages={"required": ADDRESS_REQUIRED},
    )
    email_is_right = forms.BooleanField(required=False, widget=forms.HiddenInput)
    updates = forms.BooleanField(label=_("Tell me what becomes of the letter"), required=False)
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
        super().__init__(data, **options)

    def layout(self) -> Layout:
        *fields, consent, privacy_link = super().layout().fields
        return Layout(
            *fields,
            "email",
            HTML('{% include "signing/typo_suggestion.html" %}'),
            "updates",
            consent,
            privacy_link,
            Div("website", css_class="offscreen", aria_hidden="true"),
            "stamp",
            "seconds",
        )

    def clean_seconds(self) -> int | None:
        """Returns how long the form was open; None when no script measured it."""
        typed: str = self.cleaned_data["seconds"]
        return int(typed[:9]) if typed.isdecimal() else None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("email") and not cleaned.get("email_is_right"):
            self.suggestion = email_addresses.typo_suggestion(cleaned["email"])
            if self.suggestion:
                self.add_error("email", _("Is this address right? Please choose below."))
        return cleaned


class SignatureForm(SignerForm):
    """A form on the personal page: it begins with what is stored."""

    no_updates = forms.BooleanField(label=_("Send me no more emails about what becomes of the letter"), required=False)

    @classmethod
    def of(cls, row: Signature | Submission, translation: Translation, data: Mapping[str, Any] | None = None) -> Self:
        initial = {name: getattr(row, name) for name in TYPED_NAMES}
        form = cls(data, translation=translation, initial=initial)
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


class MyLinkForm(forms.Form):
    """The address to which somebody wants their personal link again."""

    email = EmailAddressField(label=_("Email address"), widget=forms.EmailInput(attrs={"autocomplete": "email"}))

    @property
    def problems(self) -> list[tuple[str, str, str]]:
        return error_summary(self, self.fields)
