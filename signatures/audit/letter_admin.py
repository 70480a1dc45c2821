"""Admin pages of letters, their texts and the news: those of `campaign`, with an audit entry for each change."""

from typing import Any, override

from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest

from campaign.letters.admin import LetterAdmin, NewsAdmin, TextForm, TranslationAdmin
from campaign.letters.forms import AskingForm
from campaign.models import Letter, News, Translation
from signatures import publication
from signatures.audit.admin_mixins import AuditedAdmin, staff_id
from signatures.audit.letter_decisions import LetterDecisions
from signatures.letters import has_signers
from signatures.models import Signature
from signatures.registries import AuditAction
from signatures.states import State


class LetterForm(AskingForm):
    instance: Letter

    def consequences(self, typed: dict[str, Any]) -> list[str]:
        before = self.initial
        if before.get("state", Letter.State.DRAFT) == Letter.State.DRAFT:
            return []
        sentences = []
        if typed["slug"] != before["slug"]:
            sentences.append(
                f"/letters/{before['slug']}/ leads to the new address for ever: no other letter can have it."
            )
        if typed["moderation"] == Letter.Moderation.AFTER != before["moderation"]:
            waiting = Signature.objects.filter(letter=self.instance, state=State.WAITING, flags=[]).count()
            sentences.append(
                f"Names without a flag appear before anybody has read them, within a minute the {waiting} that wait. "
                "Whoever saw one may keep it."
            )
        return sentences

    def clean_state(self) -> str:
        """Draft hides the letter, the personal pages of its signers and their way out."""
        state: str = self.cleaned_data["state"]
        if state == Letter.State.DRAFT and self.instance.pk and has_signers(self.instance):
            raise forms.ValidationError(
                "People have signed this letter: pause, close or archive it. A draft is hidden from them."
            )
        return state


@admin.register(Letter)
class AuditedLetterAdmin(LetterDecisions, AuditedAdmin, LetterAdmin):
    form = LetterForm
    letter_id_path = "pk"
    readonly_fields = (*LetterAdmin.readonly_fields, "acknowledged_on")


@admin.register(Translation)
class AuditedTranslationAdmin(AuditedAdmin, TranslationAdmin):
    form: Any = TextForm
    letter_id_path = "revision.letter_id"

    @override
    def publish_one(self, request: HttpRequest, draft: Translation) -> None:
        publication.publish(draft, by=staff_id(request))

    @override
    def take_back_one(self, request: HttpRequest, published: Translation) -> None:
        publication.take_back(published, by=staff_id(request))


@admin.register(News)
class AuditedNewsAdmin(AuditedAdmin, NewsAdmin):
    letter_id_path = "letter_id"

    @override
    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Record each text that was added, changed or removed, by its language."""
        super().save_formset(request, form, formset, change)
        for text in (*formset.new_objects, *(text for text, _fields in formset.changed_objects)):
            self.record(request, AuditAction.SET_NEWSTEXT, form.instance, text.language)
        for text in formset.deleted_objects:
            self.record(request, AuditAction.REMOVE_NEWSTEXT, form.instance, text.language)

    @transaction.atomic
    def announce_one(self, request: HttpRequest, news: News) -> None:
        super().announce_one(request, news)
        self.record(request, AuditAction.ANNOUNCE, news)

    @transaction.atomic
    def retract_one(self, request: HttpRequest, news: News) -> None:
        super().retract_one(request, news)
        self.record(request, AuditAction.RETRACT, news)
