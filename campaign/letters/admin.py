"""Admin pages of letters, translations and news.

`signatures.audit.letter_admin` extends them with audit entries, and registers them.
"""

from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, OuterRef, QuerySet, Subquery, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from campaign.letters.forms import ConflictCheckedForm, as_id
from campaign.letters.help_texts import TEXT_HELP
from campaign.letters.languages import is_known
from campaign.letters.letter_steps import StepPages, TextSteps
from campaign.letters.publish_page import PublishPage
from campaign.letters.publishing import (
    discard,
    is_bound,
    newest_wording,
    overwritten_draft,
    revise,
)
from campaign.letters.row_fields import SIGNATORY, ButtonsForm, PreviewedText, RowsField
from campaign.models import Letter, Revision, Translation


class KeptAdmin(admin.ModelAdmin):
    """Rows that are never deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LetterAdmin(StepPages, KeptAdmin):
    form: Any = ConflictCheckedForm
    list_filter = ("state",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Letter]:
        return super().get_queryset(request).select_related("logo").defer("logo__png")

    @admin.display(description="texts")
    def texts(self, obj: Letter) -> str:
        """Links to the drafts and the published texts, and to a form for another language."""
        if not obj.pk:
            return "-"
        address = f"{reverse('admin:campaign_translation_add')}?letter={obj.pk}"
        add = format_html('<a href="{}">Add a text in another language</a>', address)
        return self.texts_to_read(obj) + add

    @admin.display(description="texts")
    def texts_to_read(self, obj: Letter) -> SafeString:
        """Links to the drafts and the published texts, for staff who may not add one."""
        rows = Translation.objects.filter(revision__letter=obj).order_by("language", "-pk")
        links = [(reverse("admin:campaign_translation_change", args=[row.pk]), _label(row)) for row in rows]
        return format_html_join("", '<a href="{}">{}</a><br>', links)


def _label(row: Translation) -> str:
    return f"{row} {_day_of(row)}"


def _day_of(row: Translation) -> str:
    if row.taken_back_at:
        return "taken back"
    return f"published {row.published_at:%Y-%m-%d}" if row.published_at else "draft"


class WordingField(forms.ModelChoiceField):
    """The wordings of all letters, published or drafted, each by its day."""

    def __init__(self, **options: Any) -> None:
        wordings = Translation.objects.filter(authoritative=True, taken_back_at=None)
        wordings = wordings.select_related("revision__letter")
        super().__init__(wordings.order_by("revision__letter__slug", "-revision__number"), **options)

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.revision.letter.slug}: revision {obj.revision.number} ({obj.language}, {_day_of(obj)})"


class TextForm(ButtonsForm, ConflictCheckedForm):
    """The text of a letter in one language. Saving a change of a published text makes a draft."""

    letter = forms.ModelChoiceField(Letter.objects.all(), label="Letter", help_text="On whose page it will be.")
    wording = WordingField(
        required=False,
        label="Translation of the wording",
        help_text="Of an earlier one, the page says so. If empty, the newest; of the authoritative language, none.",
    )
    signatories = RowsField(
        SIGNATORY, label="Original signatories", help_text="Below the letter, in this order; or none."
    )

    class Meta:
        model = Translation
        fields = ("letter", "language", *Translation.TEXT_FIELDS, *Translation.DETAIL_FIELDS)
        widgets: ClassVar = {"addressee": forms.Textarea(attrs={"rows": 4}), "body": PreviewedText}
        help_texts: ClassVar = TEXT_HELP

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            draft = cast("Translation", self.instance)
            revision = draft.revision
            wording = (
                revision.translations.filter(authoritative=True, taken_back_at=None).order_by("published_at").first()
            )
            self.initial.update(letter=revision.letter_id, wording=wording and wording.pk)
            fixed = {"letter", "language"} if is_known(draft.language) else {"letter"}
            for name in fixed & self.fields.keys():  # a published text has a page without fields
                self.fields[name].disabled = True

    def overwritten_row(self, typed: dict[str, Any]) -> Model | None:
        """Returns the draft itself; for a new text, the draft that a colleague has begun in this language."""
        letter, language = typed.get("letter"), typed.get("language")
        if not letter or not language:
            return None
        Letter.objects.select_for_update().get(pk=letter.pk)  # first, as `revise` and `publish` lock it
        if self.instance.pk:
            return super().overwritten_row(typed)
        return overwritten_draft(letter, language, self.translated(typed))

    def translated(self, typed: dict[str, Any]) -> Revision | None:
        """Returns the revision whose wording the text translates: the chosen one, else the newest."""
        wording = typed.get("wording") or (newest_wording(typed["letter"]) if typed.get("letter") else None)
        return wording.revision if wording else None

    def clean(self) -> dict[str, Any]:
        typed = super().clean()
        wording, letter = typed.get("wording"), typed.get("letter")
        if wording and letter and wording.revision.letter_id != letter.pk:
            self.add_error("wording", "Please choose a wording of this letter.")
        if self.instance.pk and not typed.get("authoritative"):
            drafts = Translation.objects.drafts().filter(
                revision=self.translated(typed), language=typed.get("language")
            )
            if drafts.exclude(pk=self.instance.pk):
                self.add_error(
                    "wording", "Another draft translates that wording already. Please delete one of the two."
                )
        published = letter and newest_wording(letter)
        if published and published.language == typed.get("language"):
            typed["authoritative"] = True
        elif published and typed.get("authoritative") and is_bound(published, typed.get("language", "")):
            self.add_error("authoritative", f"The authoritative language of this letter is {published.language}.")
        return typed


class TranslationAdmin(TextSteps, PublishPage):
    form: Any = TextForm
    list_display = ("title", "language", "revision", "authoritative", "unofficial", "saved", "published_at")
    list_filter = ("language", "unofficial", "revision__letter", ("published_at", admin.EmptyFieldListFilter))
    readonly_fields = ("as_shown", "published_at", "taken_back_at", "digest", "correction")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Add the letter of each text, and who saved it last, and when."""
        kind = ContentType.objects.get_for_model(Translation)
        row = Cast(OuterRef("pk"), TextField())
        entries = LogEntry.objects.filter(content_type=kind, object_id=row).order_by("-action_time")
        saved = {"saved_by": entries.values("user__username"), "saved_at": entries.values("action_time")}
        texts = super().get_queryset(request).select_related("revision__letter__logo")
        texts = texts.defer("revision__letter__logo__png")
        return texts.annotate(**{name: Subquery(rows[:1]) for name, rows in saved.items()})

    @admin.display(description="last saved", ordering="saved_at")
    def saved(self, obj: Any) -> str:
        return f"{obj.saved_by}, {obj.saved_at:%Y-%m-%d %H:%M} (UTC)" if obj.saved_at else "loaded from a folder"

    @admin.display(description="as readers see it")
    def as_shown(self, obj: Translation) -> str:
        return format_html(
            '<div class="as-shown">{}</div>', render_to_string("letters/text.html", {"translation": obj})
        )

    @admin.display(description="correct it")
    def correction(self, obj: Translation) -> str:
        address = f"{reverse('admin:campaign_translation_add')}?text={obj.pk}"
        return format_html('<a href="{}">Write a new text that begins with this one</a>', address)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Drafts alone are deleted."""
        return (obj is None or obj.published_at is None) and super().has_delete_permission(request, obj)

    def delete_model(self, request: HttpRequest, obj: Translation) -> None:
        discard(obj)

    def begin_anew(self, row: Translation | None) -> dict[str, Any]:
        """Returns where words are sent that came too late for this text: they become a draft that corrects it."""
        values = {"letter": row.revision.letter_id, "language": row.language} if row else {}
        address = reverse("admin:campaign_translation_add")
        return {"address": address, "values": values, "label": "Keep what I typed as a new draft"}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (obj is None or obj.published_at is None) and super().has_change_permission(request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Of a draft the words come first, of a new text the language."""
        words = (None, {"fields": Translation.TEXT_FIELDS})
        if obj and obj.published_at:
            closed = [] if self.has_add_permission(request) else ["correction"]
            shown = [name for name in self.readonly_fields[1:] if name not in closed]
            fields = ("revision", "language", *Translation.DETAIL_FIELDS, *shown)
            return [(None, {"fields": ("title", "as_shown")}), ("Language", {"fields": fields})]
        about = ("letter", "language", "wording", *Translation.DETAIL_FIELDS, "loaded_digest")
        return [words, ("Language", {"fields": about})] if obj else [("Language", {"fields": about}), words]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin with the text that the address names, or with the letter's authoritative one; else empty."""
        initial = super().get_changeform_initial_data(request)
        text_id, letter_id = (as_id(request.GET.get(name)) for name in ("text", "letter"))
        texts = Translation.objects.select_related("revision").order_by("-revision__number", "-pk")
        if text_id and (begun := texts.filter(pk=text_id).first()):
            details = {field: getattr(begun, field) for field in Translation.DETAIL_FIELDS}
            wording = begun.revision.translations.published().filter(authoritative=True).first()
            details |= {"letter": begun.revision.letter_id, "language": begun.language, "wording": wording}
            return {**begun.text_values(), **details, **initial}
        wordings = texts.filter(revision__letter=letter_id, authoritative=True, taken_back_at=None)
        begun = wordings.published().first() or wordings.first()
        return {**({**begun.text_values(), "wording": begun} if begun else {}), **initial}

    def save_model(self, request: HttpRequest, obj: Translation, form: Any, change: bool) -> None:
        typed = form.cleaned_data
        texts = {field: typed[field] for field in Translation.TEXT_FIELDS}
        details = {field: typed[field] for field in Translation.DETAIL_FIELDS}
        revision = typed["wording"] and typed["wording"].revision
        draft = obj if change else None
        saved = revise(typed["letter"], typed["language"], texts, revision=revision, draft=draft, **details)
        obj.pk, obj.revision, obj.digest = saved.pk, saved.revision, saved.digest
