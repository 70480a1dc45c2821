"""The admin page of notices, without the audit entries that `signatures.audit.letter_admin` adds."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from campaign.letters.forms import AskingForm, ConflictCheckedForm, KeptRows
from campaign.models import Notice, NoticeText


class NoticeTextInline(admin.TabularInline):
    model = NoticeText
    form: Any = ConflictCheckedForm
    formset: Any = KeptRows
    extra = 0
    min_num = 1

    def get_formset(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        return super().get_formset(request, obj, validate_min=True, **options)


class NoticeAdmin(admin.ModelAdmin):
    form: Any = AskingForm
    list_display = ("words", "starts_at", "ends_at")
    inlines = (NoticeTextInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notice]:
        return super().get_queryset(request).prefetch_related("texts")

    @admin.display(description="notice")
    def words(self, notice: Notice) -> str:
        return next((str(text) for text in notice.texts.all()), "-")
