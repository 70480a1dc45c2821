"""Admin pages of letters, their texts and the news: those of `campaign`, with an audit entry for each change."""

from typing import Any, override

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest

from campaign.letters.admin import LetterAdmin, NewsAdmin, TextForm, TranslationAdmin
from campaign.models import Letter, News, Translation
from signatures import publication
from signatures.audit.admin_mixins import AuditedAdmin, staff_id
from signatures.registries import AuditAction


@admin.register(Letter)
class AuditedLetterAdmin(AuditedAdmin, LetterAdmin):
    letter_id_path = "pk"


@admin.register(Translation)
class AuditedTranslationAdmin(AuditedAdmin, TranslationAdmin):
    form: Any = TextForm
    letter_id_path = "revision.letter_id"

    @override
    def publish_one(self, request: HttpRequest, draft: Translation) -> None:
        publication.publish(draft, by=staff_id(request))


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
