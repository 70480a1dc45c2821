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
from signatures import blocks, suspicion
from signatures.fields import Country, CountrySelect, Line, Name, Text
from signatures.models import Audience, Kind, Signature
from signatures.workflow import Answer

NO_NAME = _("Please enter your name, or choose to be counted without it.")
NO_CONSENT = _("Please tick this box: without your consent we may store nothing.")


class Folded(Fieldset):  # type: ignore[misc]  # crispy-forms has no types
    """Fields behind a summary; open where one of them was filled in or is wrong."""

    template = "signatures/optional.html"

    def render(self, form: forms.Form, *arguments: Any, **options: Any) -> Any:
        is_open = any(form[field].value() or form[field].errors for field in self.fields)
        self.flat_attrs = flatatt({"open": is_open})
        return super().render(form, *arguments, **options)


class WordsForm(forms.Form):
    """What signing and confirming have in common: the words, for whom, and under which text."""

    kind = forms.ChoiceField(
        label=_("I sign as"), choices=Kind, required=False, initial=Kind.PERSON, widget=forms.RadioSelect
    )
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
        label=_("Your name, or that of the organisation"),
        help_text=_("As you wish it to be read, in any script. A person may take a pseudonym."),
        widget=forms.TextInput(attrs={"autocomplete": "name", "maxlength": 400, "data-missing": NO_NAME}),
    )
    speaker = Line(
        label=_("Who speaks for it"),
        help_text=_("Name and office. Only our staff see it; without it they have to ask you."),
        widget=forms.TextInput(attrs={"maxlength": 400}),
    )
    role = Line(
        label=_("Role or title"), widget=forms.TextInput(attrs={"autocomplete": "organization-title", "maxlength": 400})
    )
    organisation = Line(
        label=_("Organisation"),
        help_text=_("If you belong to one."),
        widget=forms.TextInput(attrs={"autocomplete": "organization", "maxlength": 400}),
    )
    country = Country(
        label=_("Country"), nothing=_("rather not say"), widget=CountrySelect(attrs={"autocomplete": "country"})
    )
    comment = Text(
        label=_("A word to the organisers"),
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
            "speaker",
            Folded(
                _("If you like: role, organisation, country, comment"),
                "role",
                "organisation",
                "country",
                "comment",
                css_class="optional",
            ),
        )

    def clean_kind(self) -> str:
        return self.cleaned_data["kind"] or Kind.PERSON

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        if found.get("kind") != Kind.ORGANISATION:
            found["speaker"] = ""  # nobody speaks for a person
        is_named = found.get("visibility") in {Audience.PUBLIC, Audience.DELIVERY}
        if is_named and "name" in found and not found["name"]:
            self.add_error("name", NO_NAME)
        return found

    def answer(self, further_flags: Iterable[str] = ()) -> Answer:
        """What was typed, as `workflow` takes it."""
        fields = ("kind", *Signature.WORDS, "country", "visibility")
        return Answer(
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
        found = suspicion.flags(self.cleaned_data, figures=self.figures, organisation=self.is_organisation)
        return found + blocks.flags(self.cleaned_data, likeness=suspicion.likeness)

    @property
    def is_organisation(self) -> bool:
        """Whether an organisation will stand there by its name."""
        found = self.cleaned_data
        return bool(found["kind"] == Kind.ORGANISATION and found["visibility"] != Audience.COUNTED)

    @property
    def figures(self) -> list[str]:
        """Whom the letter itself names: a troll's first idea is to sign as one of them."""
        letter = self.translation.revision.letter
        original = [person["name"] for person in self.translation.signatories]
        return [letter.recipient, self.translation.addressed_to, *self.translation.addressee.split("\n"), *original]

    @property
    def order(self) -> list[str]:
        """The fields as they stand on the page."""
        return [pointer.name for pointer in self.helper.layout.get_field_names()]

    @property
    def problems(self) -> list[tuple[str, str, str]]:
        return problems_of(self, self.order)


def problems_of(form: forms.Form, order: Iterable[str]) -> list[tuple[str, str, str]]:
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
        "name": suspicion.pattern(name),
        "comment": suspicion.comment_pattern(comment),
    }
    return {of: value for of, value in values.items() if value}


class ConsentForm(WordsForm):
    """Words put under a text: that which was on the page, and no other."""

    consent = forms.BooleanField(
        widget=forms.CheckboxInput(attrs={"data-missing": NO_CONSENT}),
        label=_("I put my name under this letter, and agree that what I entered is stored and used as I chose."),
        error_messages={"required": NO_CONSENT},
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
