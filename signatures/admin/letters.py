"""Letters and their texts: campaign writes and publishes them, here it goes into the trail."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest

from campaign.admin import LetterAdmin, TextForm, TranslationAdmin
from campaign.models import Letter, Translation
from signatures import trail
from signatures.admin.limits import Recorded


@admin.register(Letter)
class RecordedLetterAdmin(Recorded, LetterAdmin):
    def letter_of(self, obj: Any) -> int | None:
        return int(obj.pk)


@admin.register(Translation)
class RecordedTranslationAdmin(Recorded, TranslationAdmin):
    form: Any = TextForm

    def letter_of(self, obj: Any) -> int | None:
        return int(obj.revision.letter_id)

    @transaction.atomic
    def publish_one(self, request: HttpRequest, translation: Translation) -> None:
        super().publish_one(request, translation)
        trail.add(
            "publish",
            staff_id=request.user.pk,
            letter_id=self.letter_of(translation),
            detail={"row": translation.pk},
        )
