"""What all forms of signing have in common: the words, for whom, under which text, and the consent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Field, Fieldset, Layout
from django import forms
from django.forms.utils import flatatt
from django.utils.functional import cached_property
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from campaign.models import Translation
from signatures.models import Signature
from signatures.screening import blocklists, checks
from signatures.signing.form_fields import CountryField, CountrySelect, LineField, NameField, TextField
from signatures.signing.signer_input import SignerInput
from signatures.states import Kind, Visibility
from signatures.values.normalization import name_key

NAME_REQUIRED = _("Please enter your name, or choose to be counted without it.")
CONSENT_REQUIRED = _("Please tick this box: without your consent we may store nothing.")


class CollapsedFieldset(Fieldset):  # type: ignore[misc]  # crispy-forms has no types
    """Fields behind a summary; open where one of them was filled in or is wrong."""

    template = "signing/collapsed_fieldset.html"

    def render(self, form: forms.Form, *arguments: Any, **options: Any) -> Any:
        is_open = any(form[field].value() or form[field].errors for field in self.fields)
        self.flat_attrs = flatatt({"open": is_open})
        return super().render(form, *arguments, **options)


class SignerForm(forms.Form):
    """What signing and confirming have in common: the words, for whom, and under which text."""

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
        label=_("Your name, or that of the organization"),
        help_text=_("As you wish it to be read, in any script. A person may take a pseudonym."),
        widget=forms.TextInput(attrs={"autocomplete": "name", "maxlength": 400, "data-missing": NAME_REQUIRED}),
    )
    spokesperson = LineField(
        label=_("Who speaks for it"),
        help_text=_("Name and office. Only our staff see it; without it they have to ask you."),
        widget=forms.TextInput(attrs={"maxlength": 400}),
    )
    role = LineField(
        label=_("Role or title"), widget=forms.TextInput(attrs={"autocomplete": "organization-title", "maxlength": 400})
    )
    organization = LineField(
        label=_("Organization"),
        help_text=_("If you belong to one."),
        widget=forms.TextInput(attrs={"autocomplete": "organization", "maxlength": 400}),
    )
    country = CountryField(
        label=_("Country"), nothing=_("rather not say"), widget=CountrySelect(attrs={"autocomplete": "country"})
    )
    comment = TextField(
        label=_("A word to the organizers"),
        help_text=_("Only our staff read it."),
        widget=forms.Textarea(attrs={"rows": 3, "maxlength": 2000}),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, translation: Translation, **options: Any) -> None:
        super().__init__(data, **options)
        self.translation = translation

    @cached_property
    def helper(self) -> FormHelper:
        """How crispy-forms lays the form out; a form that is not shown needs none."""
        helper = FormHelper()
        helper.form_tag = False
        helper.disable_csrf = True
        helper.layout = self.layout()
        return helper

    def layout(self) -> Layout:
        return Layout(
            Field("kind"),
            Field("visibility"),
            "name",
            "spokesperson",
            CollapsedFieldset(
                _("If you like: role, organization, country, comment"),
                "role",
                "organization",
                "country",
                "comment",
                css_class="optional",
            ),
        )

    def clean_kind(self) -> str:
        return self.cleaned_data["kind"] or Kind.PERSON

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        if found.get("kind") != Kind.ORGANIZATION:
            found["spokesperson"] = ""  # nobody speaks for a person
        is_named = found.get("visibility") in {Visibility.PUBLIC, Visibility.DELIVERY}
        if is_named and "name" in found and not found["name"]:
            self.add_error("name", NAME_REQUIRED)
        return found

    def answer(self, further_flags: Iterable[str] = ()) -> SignerInput:
        """What was typed, as `workflow` takes it."""
        fields = ("kind", *Signature.WORDS, "country", "visibility")
        return SignerInput(
            translation=self.translation,
            language=get_language() or "en",
            flags=sorted({*self.flags(), *further_flags}),
            **{field: self.cleaned_data[field] for field in fields},
        )

    def words_buckets(self) -> dict[str, str]:
        """The buckets of everybody with this name from this country, this name, and this comment."""
        return _words_buckets(*(self.cleaned_data[field] for field in ("name", "country", "comment")))

    def further_buckets(self, signature: Signature) -> dict[str, str]:
        """Those that these words fall into and the words of the signature did not."""
        counted = _words_buckets(signature.name, signature.country, signature.comment)
        return {of: value for of, value in self.words_buckets().items() if counted.get(of) != value}

    def flags(self) -> list[str]:
        found = checks.flags(self.cleaned_data, protected_names=self.protected_names, organization=self.is_organization)
        return found + blocklists.flags(self.cleaned_data, name_key=name_key)

    @property
    def is_organization(self) -> bool:
        """Whether an organization will stand there by its name."""
        found = self.cleaned_data
        return bool(found["kind"] == Kind.ORGANIZATION and found["visibility"] != Visibility.COUNTED)

    @property
    def protected_names(self) -> list[str]:
        """Whom the letter itself names: a troll's first idea is to sign as one of them."""
        letter = self.translation.revision.letter
        original = [person["name"] for person in self.translation.signatories]
        return [letter.recipient, self.translation.recipient_name, *self.translation.addressee.split("\n"), *original]

    @property
    def order(self) -> list[str]:
        """The fields as they stand on the page."""
        return [pointer.name for pointer in self.helper.layout.get_field_names()]

    @property
    def problems(self) -> list[tuple[str, str, str]]:
        return error_summary(self, self.order)


def error_summary(form: forms.Form, order: Iterable[str]) -> list[tuple[str, str, str]]:
    """For the summary above the form: where to go, which field, what is wrong."""
    return [
        (_focusable(form[field]), str(form[field].label), str(error))
        for field in order
        for error in form.errors.get(field, [])
    ]


def _focusable(field: forms.BoundField) -> str:
    """Where a link to this field puts the focus: the letter for what nobody sees, the first choice of a group."""
    return "content" if field.is_hidden else field.id_for_label or f"{field.auto_id}_0"


def _words_buckets(name: str, country: str, comment: str) -> dict[str, str]:
    values = {
        "words": f"{name.casefold()} {country}" if name else "",
        "name": checks.text_key(name),
        "comment": checks.comment_key(comment),
    }
    return {of: value for of, value in values.items() if value}


class ConsentForm(SignerForm):
    """Words put under a text: that which was on the page, and no other."""

    consent = forms.BooleanField(
        widget=forms.CheckboxInput(attrs={"data-missing": CONSENT_REQUIRED}),
        label=_("I put my name under this letter, and agree that what I entered is stored and used as I chose."),
        error_messages={"required": CONSENT_REQUIRED},
    )
    text = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["text"].initial = self.translation.digest

    def layout(self) -> Layout:
        return Layout(*super().layout().fields, "text", "consent")

    def clean_text(self) -> str:
        digest: str = self.cleaned_data["text"]
        if digest != self.translation.digest:
            # What was read is not what stands there now: the form goes out again with the new text's digest.
            self.data = {**self.data.dict(), "text": self.translation.digest}  # type: ignore[attr-defined]  # a QueryDict when bound
            raise forms.ValidationError(
                _("The letter has changed since you opened this page. Please read it again, then sign.")
            )
        return digest


"""The form beside the letter."""


from collections.abc import MutableMapping
from copy import copy

from crispy_forms.layout import HTML, Div
from django import forms
from django.utils.translation import gettext_lazy as _

from signatures.signing.form_fields import EmailAddressField
from signatures.values import email_addresses

ADDRESS_REQUIRED = _("Please enter your email address: we send you a link there to confirm.")


class SignForm(ConsentForm):
    """The form beside the letter."""

    email = EmailAddressField(
        label=_("Email address"),
        help_text=_(
            "We send your personal link there. The address is shown to nobody, and not kept unless you ask for updates."
        ),
        widget=forms.EmailInput(
            attrs={
                "autocomplete": "email",
                "maxlength": email_addresses.MAX_LENGTH,
                "data-missing": ADDRESS_REQUIRED,
                "data-odd": EmailAddressField.NONE,
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
    stamp = forms.CharField(required=False, widget=forms.HiddenInput, initial=checks.form_stamp)
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
            HTML('{% include "signing/typo_suggestion.html" %}'),
            "updates",
            "consent",
            Div("website", css_class="apart", aria_hidden="true"),
            "stamp",
            "seconds",
        )

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        if found.get("email") and not found.get("email_is_right"):
            self.suggestion = email_addresses.typo_suggestion(found["email"])
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
        raised = checks.flags(
            found,
            trap=found["website"],
            stamp=found["stamp"],
            seconds=self.open_for,
            mailbox=found["email"].rpartition("@")[0],
            domains=email_addresses.domains_of(found["email"]),
            protected_names=self.protected_names,
            organization=self.is_organization,
        )
        domain = email_addresses.domain_of(found["email"])
        return raised + blocklists.flags(found, name_key=name_key, domain=domain, network=self.network)

    def buckets(self) -> dict[str, str]:
        """Whose buckets this sign-up falls into (`limits.touch`)."""
        address = self.cleaned_data["email"]
        small_domain = email_addresses.small_domain_of(address)
        return {
            "network": self.network,
            "mailbox": email_addresses.canonical(address),
            "domain": email_addresses.domain_of(address),
            "site": "",
            **({"small-domain": small_domain} if small_domain else {}),
            **({} if checks.is_human_speed(self.open_for) else {"no-hand": self.network}),
            **self.words_buckets(),
        }


"""The forms of the personal page, and the one that asks for the link to it."""


from typing import Self

from django import forms
from django.utils.translation import gettext_lazy as _

from signatures.signing.form_fields import EmailAddressField
from signatures.states import Kind
from signatures.values import email_addresses


class SignatureForm(SignerForm):
    """A form on the personal page: it begins with what is stored."""

    no_updates = forms.BooleanField(label=_("Send me no more emails about what becomes of the letter"), required=False)

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


class ConfirmForm(SignatureForm, ConsentForm):
    """The words as they were typed, to be mended, and sent by the person whose mailbox it is."""


class ChangeForm(SignatureForm):
    """The words as they stand, to be replaced. Who signed as a person stays one, and an organization likewise."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["kind"].disabled = True
        self.fields["kind"].widget = forms.HiddenInput()
        if self.initial.get("kind") != Kind.ORGANIZATION:
            self.fields["spokesperson"].widget = forms.HiddenInput()


class MyLinkForm(forms.Form):
    """The address to which somebody wants their personal link again."""

    email = EmailAddressField(label=_("Email address"), widget=forms.EmailInput(attrs={"autocomplete": "email"}))

    @property
    def problems(self) -> list[tuple[str, str, str]]:
        return error_summary(self, self.fields)

    def buckets(self, network: str) -> dict[str, str]:
        return {"network": network, "mailbox": email_addresses.canonical(self.cleaned_data["email"])}
