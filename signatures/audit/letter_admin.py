"""Letters, their texts and the news: campaign writes and publishes them, here it goes into the trail."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest

from campaign.letters.admin import LetterAdmin, NewsAdmin, TextForm, TranslationAdmin
from campaign.models import Letter, News, Translation
from signatures.audit import audit_log
from signatures.audit.admin_mixins import AuditedAdmin
from signatures.registries import AuditAction


@admin.register(Letter)
class AuditedLetterAdmin(AuditedAdmin, LetterAdmin):
    def letter_of(self, obj: Any) -> int | None:
        return int(obj.pk)


@admin.register(Translation)
class AuditedTranslationAdmin(AuditedAdmin, TranslationAdmin):
    form: Any = TextForm

    def letter_of(self, obj: Any) -> int | None:
        return int(obj.revision.letter_id)

    @transaction.atomic
    def publish_one(self, request: HttpRequest, translation: Translation) -> None:
        super().publish_one(request, translation)
        audit_log.record(
            AuditAction.PUBLISH,
            staff_id=request.user.pk,
            letter_id=self.letter_of(translation),
            detail={"row": translation.pk},
        )


@admin.register(News)
class AuditedNewsAdmin(AuditedAdmin, NewsAdmin):
    def letter_of(self, obj: Any) -> int | None:
        return int(obj.letter_id)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Each text that was written, changed or thrown away, by its language."""
        super().save_formset(request, form, formset, change)
        news = form.instance
        for words in (*formset.new_objects, *(words for words, _fields in formset.changed_objects)):
            self._record(AuditAction.SET_NEWSTEXT, request, news, reason=words.language)
        for words in formset.deleted_objects:
            self._record(AuditAction.REMOVE_NEWSTEXT, request, news, reason=words.language)

    @transaction.atomic
    def announce_one(self, request: HttpRequest, news: News) -> None:
        super().announce_one(request, news)
        self._record(AuditAction.ANNOUNCE, request, news)

    @transaction.atomic
    def retract_one(self, request: HttpRequest, news: News) -> None:
        super().retract_one(request, news)
        self._record(AuditAction.RETRACT, request, news)

    def _record(self, action: AuditAction, request: HttpRequest, news: News, reason: str = "") -> None:
        letter_id = self.letter_of(news)
        audit_log.record(action, staff_id=request.user.pk, letter_id=letter_id, reason=reason, detail={"row": news.pk})
