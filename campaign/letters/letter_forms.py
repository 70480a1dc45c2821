"""The steps in which staff make and change a letter, each a form. `letter_steps` shows them."""

from collections.abc import Sequence
from email.utils import parseaddr
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.db.models import Model
from django.utils.text import slugify

from campaign.letters.forms import ConflictCheckedForm
from campaign.letters.operators import operator_of
from campaign.letters.publishing import authoritative_text
from campaign.letters.row_fields import BOARD, ButtonsForm, LinesField, RowsField
from campaign.letters.time_fields import ZonedTimeField, zone_choices
from campaign.models import Letter, Translation
from campaign.models.languages import LanguageFormField

Fieldsets = Sequence[tuple[str | None, dict[str, Any]]]


class StepForm(ButtonsForm, ConflictCheckedForm):
    """Some of the fields of a letter, and what the editor is told about them."""

    instance: Letter
    step: ClassVar[str]
    heading: ClassVar[str]
    fieldsets: ClassVar[Fieldsets]
    columns: ClassVar[tuple[str, ...]]  # that a new letter has a value for

    def _update_errors(self, errors: Any) -> None:
        """Leave out what the model says of fields of another step: nobody can mend them here."""
        found = getattr(errors, "error_dict", {NON_FIELD_ERRORS: errors})
        own = {field: found[field] for field in found if field in {*self.fields, NON_FIELD_ERRORS}}
        super()._update_errors(forms.ValidationError(own))  # type: ignore[misc]  # of Django, without a type


class RecipientForm(StepForm):
    step, heading = "recipient", "To whom"
    fieldsets = (
        (None, {"fields": ("slug", "recipient", "recipient_kind")}),
        ("Languages", {"fields": ("language", "texts")}),
    )

    language = LanguageFormField(
        label="Authoritative language",
        help_text="The code, such as en, fr or ar. Its text counts where texts differ: above each translation, readers "
        "are told so.",
    )

    class Meta:
        model = Letter
        fields = ("slug", "recipient", "recipient_kind")
        help_texts: ClassVar = {
            "slug": "The end of the letter's address: /letters/…/. What a letter has had, no other letter gets.",
            "recipient": "As named within sentences, such as “the town council”: above the form, in the privacy "
            "notice, in emails and on shared links. The text of a language can name them otherwise.",
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            text = authoritative_text(self.instance)
            self.initial["language"] = text.language if text else ""
            self.fields["language"].disabled = text is None or text.published_at is not None
            self.fields["language"].required = text is not None

    def digest(self, row: Model) -> str:
        """The language is that of a text: a colleague who publishes it meanwhile has decided the language."""
        texts = Translation.objects.filter(revision__letter=row.pk, authoritative=True).order_by("pk")
        return super().digest(row) + "".join(f" {text.language} {text.published_at}" for text in texts)

    def clean_language(self) -> str:
        language: str = self.cleaned_data["language"]
        text = authoritative_text(self.instance) if self.instance.pk else None
        if text and text.language != language and text.revision.translations.filter(language=language):
            raise forms.ValidationError("There is a text in this language already. Please delete one of the two first.")
        return language


class NewLetterForm(RecipientForm):
    """The first step of a new letter: with its title, its first draft begins."""

    fieldsets = (
        (None, {"fields": ("title", "slug", "recipient", "recipient_kind")}),
        ("Languages", {"fields": ("language",)}),
    )
    field_order = ("title", "slug", "recipient", "recipient_kind", "language")

    title = forms.CharField(
        max_length=200,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text="Above the letter, on its share image and in the subject of emails. The next step can change it.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["slug"].required = False
        self.fields["slug"].help_text = f"{self.fields['slug'].help_text} If empty, it is made from the title."

    def clean_slug(self) -> str:
        self.cleaned_data["slug"] = self.cleaned_data["slug"] or slugify(self.cleaned_data.get("title", ""))[:50]
        if not self.cleaned_data["slug"]:
            raise forms.ValidationError("Please write one, in Latin letters, digits and hyphens.")
        slug: str = self.cleaned_data["slug"]
        return slug


class LetterheadForm(StepForm):
    """The parts of `Letter.letterhead`, which is one JSON column."""

    step, heading = "letterhead", "Letterhead"
    columns = ("letterhead",)
    fieldsets = (
        (None, {"fields": ("head_name", "head_address", "head_telephone", "head_web")}),
        ("Board", {"fields": ("head_board_title", "head_board")}),
        ("As it is stored", {"fields": ("letterhead_as_shown",)}),
    )

    head_name = forms.CharField(
        label="Name", required=False, max_length=200, widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text="At the top of the letter, on the page and in print, and in the title of the browser window.",
    )  # fmt: skip
    head_address = LinesField(
        label="Address", required=False, max_length=1000, help_text="Below the name, a line each."
    )
    head_telephone = forms.CharField(label="Phone", required=False, max_length=100, help_text="Below the address.")
    head_web = forms.CharField(
        label="Web", required=False, max_length=200, help_text="Below the phone. It is text, not a link."
    )
    head_board_title = forms.CharField(
        label="Title of the board",
        required=False,
        max_length=200,
        help_text="At the foot of the letter, above the names.",
    )
    head_board = RowsField(BOARD, label="Board", help_text="At the foot of the letter, in this order.")

    class Meta:
        model = Letter
        fields = ()

    KEYS: ClassVar = ("name", "address", "telephone", "web", "board_title", "board")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial = {**self.stored_values(self.instance), **self.initial}

    def stored_values(self, row: Model) -> dict[str, Any]:
        head = row.letterhead if isinstance(row, Letter) else {}
        board = [{"name": member["name"], "office": member.get("office", "")} for member in head.get("board", [])]
        texts = {key: head.get(key, "") for key in ("name", "telephone", "web", "board_title")}
        return {
            f"head_{key}": value for key, value in {**texts, "address": head.get("address", []), "board": board}.items()
        }

    def clean(self) -> dict[str, Any]:
        typed = super().clean()
        head = {key: typed.get(f"head_{key}") for key in self.KEYS}
        head["board"] = [{key: text for key, text in member.items() if text} for member in head["board"] or []]
        # What the column holds beside these parts stays.
        other = {key: value for key, value in self.instance.letterhead.items() if key not in self.KEYS}
        self.instance.letterhead = other | {key: value for key, value in head.items() if value}
        return typed


class SigningForm(StepForm):
    step, heading = "signing", "Goal and times"
    columns = ("goal", "opens_at", "closes_at", "moderation", "order", "signers_per_mailbox", "protected_names")
    fieldsets = (
        (None, {"fields": ("state", "goal")}),
        ("Times", {"fields": ("time_zone", "opens_at", "closes_at", "acknowledged_on")}),
        ("Names", {"fields": ("moderation", "order", "signers_per_mailbox", "protected_names")}),
    )

    time_zone = forms.ChoiceField(label="Time zone", help_text="Of the two times below, here and on the letter's page.")
    opens_at = ZonedTimeField(label="Opens at", help_text="The form on the letter's page opens then; empty, at once.")
    closes_at = ZonedTimeField(
        label="Closes at",
        help_text="On the letter's page; empty, no end. People who signed before can still confirm for 24 hours.",
    )

    class Meta:
        model = Letter
        fields = (
            "state", "goal", "time_zone", "opens_at", "closes_at", "moderation", "order", "signers_per_mailbox",
            "protected_names",
        )  # fmt: skip
        help_texts: ClassVar = {
            "state": "Decides what the letter's page shows. Publishing its first text opens a draft.",
            "goal": "Below the title: how many signatures are hoped for; 0 shows no goal.",
            "moderation": "When a name appears in the public list.",
            "signers_per_mailbox": "How many people may sign the form from one email address. Couples often share one.",
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        zones: Any = self.fields["time_zone"]
        zones.choices = zone_choices(self.instance.time_zone)
        chosen = self.data.get(self.add_prefix("time_zone"))
        for name in ("opens_at", "closes_at"):
            field: Any = self.fields[name]
            field.zone = ZoneInfo(str(chosen) if zones.valid_value(chosen) else self.instance.time_zone)
            field.label = f"{field.label} ({field.zone})"

    def clean(self) -> dict[str, Any]:
        """Keep the seconds of a time that was not changed."""
        typed = super().clean()
        kept = [name for name in ("opens_at", "closes_at") if name in typed and name not in self.changed_data]
        return typed | {name: self.initial.get(name) for name in kept}


class AnswersForm(StepForm):
    step, heading = "answers", "Who answers"
    columns = ("organization_name", "contact_email", "sender_name", "subjects")
    fieldsets = (
        (None, {"fields": ("organization_name", "contact_email")}),
        ("Emails", {"fields": ("sender_name", "subjects")}),
    )

    class Meta:
        model = Letter
        fields = ("organization_name", "contact_email", "sender_name", "subjects")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "subjects" in self.fields:
            subjects: Any = self.fields["subjects"]
            subjects.choices = [("", "as suits the recipient"), *Letter.Subjects.choices]
        site = operator_of(None)
        name, address = parseaddr(site.sender)
        defaults = {"organization_name": site.name, "contact_email": site.contact, "sender_name": name or address}
        for name in defaults.keys() & self.fields.keys():  # whoever may not change them has a page without fields
            default = defaults[name]
            self.fields[name].widget.attrs["placeholder"] = default
            self.fields[name].help_text = f"{self.fields[name].help_text} Empty, it is that of the site: {default}."
