"""Admin page of news on a letter. `signatures.audit.letter_admin` extends it with audit entries, and registers it."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from campaign.letters import text
from campaign.letters.admin import KeptAdmin
from campaign.letters.forms import AskingForm, ConflictCheckedForm, KeptRows
from campaign.letters.publish_page import ON_BOTH
from campaign.letters.publishing import EmptyNews, announce, retract
from campaign.models import News, NewsText


class NewsTextForm(ConflictCheckedForm):
    class Meta:
        model = NewsText
        fields = ("language", "title", "body")


class NewsTextInline(admin.StackedInline):
    model = NewsText
    form = NewsTextForm
    formset = KeptRows
    extra = 1
    readonly_fields = ("as_shown", "changed_on")

    @admin.display(description="as readers see it")
    def as_shown(self, obj: NewsText) -> str:
        return text.html(obj.body) if obj.pk else "-"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Published news is corrected or retracted, never deleted."""
        return (obj is None or obj.published_at is None) and super().has_delete_permission(request, obj)


class NewsAdmin(KeptAdmin):
    form: Any = AskingForm
    list_display = ("headline", "letter", "by_mail", "published_at", "retracted_at")
    list_filter = ("letter", "by_mail", ("published_at", admin.EmptyFieldListFilter))
    list_select_related = ("letter",)
    readonly_fields = ("published_at", "retracted_at")
    inlines = (NewsTextInline,)
    ordering = ("-pk",)
    actions = ("announce", "retract")

    def get_queryset(self, request: HttpRequest) -> QuerySet[News]:
        return super().get_queryset(request).prefetch_related("texts")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Published news cannot move to another letter."""
        return (*self.readonly_fields, "letter") if obj and obj.published_at else self.readonly_fields

    @admin.display(description="title")
    def headline(self, obj: News) -> str:
        return next((str(text) for text in obj.texts.all()), "-")

    @admin.action(description="Publish on the letter's page", permissions=["change"], location=ON_BOTH)
    def announce(self, request: HttpRequest, chosen: QuerySet[News]) -> None:
        try:
            with transaction.atomic():  # all or none
                changed = [self.announce_one(request, news) for news in chosen]
        except EmptyNews as error:
            self.message_user(
                request, f"Nothing was published. Please write news no. {error} in at least one language first.",
                messages.ERROR,
            )  # fmt: skip
            return
        self._report(request, "Published.", "Nothing was changed: it is on the page already.", changed=any(changed))

    @admin.action(description="Take off the page", permissions=["change"], location=ON_BOTH)
    def retract(self, request: HttpRequest, chosen: QuerySet[News]) -> None:
        changed = [self.retract_one(request, news) for news in chosen]
        self._report(
            request,
            "It is no longer on the page.",
            "Nothing was changed: it is not on the page.",
            changed=any(changed),
        )

    def _report(self, request: HttpRequest, done: str, not_done: str, *, changed: bool) -> None:
        self.message_user(request, done if changed else not_done, messages.SUCCESS if changed else messages.WARNING)

    def announce_one(self, request: HttpRequest, news: News) -> bool:
        return announce(news)

    def retract_one(self, request: HttpRequest, news: News) -> bool:
        return retract(news)
