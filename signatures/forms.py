"""The forms of signing: what was typed, cleaned; never a look at the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Field, Fieldset, Layout
from django import forms
from django.utils.functional import Promise, cached_property
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from campaign.models import Translation
from signatures import mailboxes, names, suspicion
from signatures.models import Audience, Kind, Signature
from signatures.workflow import Answer


class Line(forms.CharField):
    """One line of what a signer types, cleaned as `names` says."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, required=False, **options)

    def to_python(self, value: Any) -> str:
        try:
            return self.tidy("" if value is None else str(value))
        except names.NotAName as error:
            raise forms.ValidationError(str(error)) from None

    def tidy(self, typed: str) -> str:
        return names.clean_line(typed)


class Name(Line):
    def tidy(self, typed: str) -> str:
        return names.clean_name(typed) if typed.strip() else ""


class Text(Line):
    longest = 1000

    def tidy(self, typed: str) -> str:
        return names.clean_text(typed, longest=self.longest)


class Address(forms.CharField):
    """A mail address, kept as typed. Django's own field takes what no mail server does (SECURITY.md F8)."""

    def clean(self, value: Any) -> str:
        typed = super().clean(value)
        try:
            return mailboxes.check(typed)
        except mailboxes.NotAnAddress:
            raise forms.ValidationError(_("Please enter a mail address, such as name@example.org.")) from None


class Country(forms.ChoiceField):
    """A country by its code. The names, in the language of the page, are made only where they are shown."""

    CODES = frozenset(countries.countries)

    def __init__(self, *, nothing: str | Promise, **options: Any) -> None:
        super().__init__(choices=lambda: [("", nothing), *countries], required=False, **options)

    def valid_value(self, value: Any) -> bool:
        return value in self.CODES


class WordsForm(forms.Form):
    """What signing and confirming have in common: the words, for whom, and under which text."""

    kind = forms.ChoiceField(label=_("I sign as"), choices=Kind, required=False, widget=forms.HiddenInput)
    visibility = forms.ChoiceField(
        label=_("Where may your name stand?"),
        choices=[
            (Audience.PUBLIC, _("On this website and in the delivered letter")),
            (Audience.DELIVERY, _("In the delivered letter only")),
            (Audience.COUNTED, _("Nowhere. Count me without my name")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("Please choose where your name may stand.")},
    )
    name = Name(
        label=_("Your name"),
        help_text=_("As you wish it to be read, in any script. A pseudonym is welcome."),
        widget=forms.TextInput(attrs={"autocomplete": "name", "maxlength": 400}),
    )
    role = Line(
        label=_("Role or title"), widget=forms.TextInput(attrs={"autocomplete": "organization-title", "maxlength": 400})
    )
    organisation = Line(
        label=_("Organisation"), widget=forms.TextInput(attrs={"autocomplete": "organization", "maxlength": 400})
    )
    country = Country(
        label=_("Country"), nothing=_("rather not say"), widget=forms.Select(attrs={"autocomplete": "country"})
    )
    comment = Text(
        label=_("A word to the organisers"),
        help_text=_("It is not published and not delivered."),
        widget=forms.Textarea(attrs={"rows": 3, "maxlength": 2000}),
    )
    consent = forms.BooleanField(
        label=_("I put my name under this letter, and agree that what I entered is stored and used as I chose above."),
        error_messages={"required": _("Please tick this: without your consent nothing may be stored.")},
    )
    text = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any] | None = None, *, translation: Translation, **options: Any) -> None:
        super().__init__(data, **options)
        self.translation = translation
        self.fields["text"].initial = translation.digest

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
            "kind",
            "text",
            Field("visibility"),
            "name",
            Fieldset(_("If you like"), "role", "organisation", "country", "comment", css_class="optional"),
            "consent",
        )

    def clean_kind(self) -> str:
        return self.cleaned_data["kind"] or Kind.PERSON

    def clean_text(self) -> str:
        digest: str = self.cleaned_data["text"]
        if digest != self.translation.digest:
            # What was read is not what stands there now: the form goes out again with the new text's digest.
            self.data = {**self.data.dict(), "text": self.translation.digest}  # type: ignore[attr-defined]  # a QueryDict when bound
            raise forms.ValidationError(
                _("The letter has changed since you opened this page. Please read it again, then sign.")
            )
        return digest

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        is_named = found.get("visibility") in {Audience.PUBLIC, Audience.DELIVERY}
        if is_named and "name" in found and not found["name"]:
            self.add_error("name", _("Please enter your name, or choose to be counted without it."))
        return found

    def answer(self) -> Answer:
        """What was typed, as `workflow` takes it."""
        fields = ("kind", "name", "role", "organisation", "country", "comment", "visibility")
        return Answer(
            translation=self.translation,
            language=get_language() or "en",
            flags=self.flags(),
            **{field: self.cleaned_data[field] for field in fields},
        )

    def flags(self) -> list[str]:
        return suspicion.flags(self.cleaned_data)

    @property
    def order(self) -> list[str]:
        """The fields as they stand on the page."""
        return [pointer.name for pointer in self.helper.layout.get_field_names()]

    @property
    def problems(self) -> list[tuple[str, str, str]]:
        """For the summary above the form: where to go, which field, what is wrong."""
        return [
            (self[field].id_for_label or f"id_{field}", str(self[field].label), str(error))
            for field in self.order
            for error in self.errors.get(field, [])
        ]


class SignForm(WordsForm):
    """The form beside the letter."""

    email = Address(
        label=_("Mail address"),
        help_text=_(
            "We send you one mail with your personal link. "
            "The address is neither shown nor kept, unless you ask for updates."
        ),
        widget=forms.EmailInput(attrs={"autocomplete": "email", "maxlength": mailboxes.LONGEST}),
        error_messages={
            "required": _("Please enter a mail address: your signature counts once you follow the link we send there.")
        },
    )
    updates = forms.BooleanField(label=_("Tell me what becomes of the letter"), required=False)
    website = forms.CharField(
        label=_("Leave this empty"),
        required=False,
        widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}),
    )
    stamp = forms.CharField(required=False, widget=forms.HiddenInput, initial=suspicion.stamp)

    def layout(self) -> Layout:
        return Layout(
            *super().layout().fields[:-1],
            "email",
            "updates",
            "consent",
            Div("website", css_class="apart", aria_hidden="true"),
            "stamp",
        )

    def flags(self) -> list[str]:
        return suspicion.flags(self.cleaned_data, trap=self.cleaned_data["website"], stamp=self.cleaned_data["stamp"])


class ConfirmForm(WordsForm):
    """The form on the personal page: the words as they stand, to be mended and sent."""

    @classmethod
    def of(cls, signature: Signature, translation: Translation) -> ConfirmForm:
        fields = ("kind", "name", "role", "organisation", "country", "comment", "visibility")
        return cls(translation=translation, initial={field: getattr(signature, field) for field in fields})


class SearchForm(forms.Form):
    """The filter of the public list."""

    q = forms.CharField(
        label=_("Name or organisation"), required=False, max_length=40, widget=forms.TextInput(attrs={"type": "search"})
    )
    country = Country(label=_("Country"), nothing=_("all countries"))
