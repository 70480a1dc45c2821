"""The admin page that shows what publishing will do, with one button that does it."""

from collections.abc import Iterable
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from campaign.letters import text
from campaign.letters.forms import as_id, row_digest
from campaign.letters.letter_steps import PUBLISH, steps_context
from campaign.letters.publishing import Refused
from campaign.models import Letter, Translation

TAKING_BACK = (
    "within five seconds readers see the text before it again, or the authoritative one; a letter without another text "
    "is hidden. Its words become a draft. This is possible for half an hour after publishing, as long as nobody has "
    "signed the text; later, publish a corrected one."
)
ON_BOTH = [ActionLocation.CHANGE_LIST, ActionLocation.CHANGE_FORM]  # on the list, and on the page of one row


class PublishPage(admin.ModelAdmin[Translation]):
    """Texts, which are published from a page that shows them as readers will see them."""

    actions = ("publish", "take_back")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("publish/", view(self.publish_page), name="campaign_translation_publish"),
            path("<int:object_id>/take-back/", view(self.take_back_page), name="campaign_translation_take_back"),
            *super().get_urls(),
        ]

    @admin.action(description="Publish…", permissions=["change"], location=ON_BOTH)
    def publish(self, request: HttpRequest, chosen: QuerySet[Translation]) -> HttpResponse:
        """Lead to the page. Nothing is published yet."""
        query = urlencode({"text": list(chosen.values_list("pk", flat=True))}, doseq=True)
        return redirect(f"{reverse('admin:campaign_translation_publish')}?{query}")

    def publish_page(self, request: HttpRequest) -> HttpResponse:
        """Show drafts of one letter and what publishing them changes. A POST publishes what was shown, or nothing."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        drafts = _drafts(request.GET.getlist("text"))
        if not drafts or len({draft.revision.letter_id for draft in drafts}) > 1:
            self.message_user(request, "Please choose drafts of one letter.", messages.WARNING)
            return redirect("admin:campaign_translation_changelist")
        if request.method == "POST" and self._publish_shown(request, drafts):
            return redirect("admin:campaign_translation_changelist")
        context = {
            **self.admin_site.each_context(request),
            **_consequences(drafts),
            "title": "Publish",
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/campaign/translation/publish.html", context)

    def _publish_shown(self, request: HttpRequest, drafts: list[Translation]) -> bool:
        """Publish the drafts if they are as the page showed them. Returns whether that was done."""
        try:
            with transaction.atomic():
                for draft in _seen(drafts, request.POST.getlist("seen")):
                    self.publish_one(request, draft)
        except Refused as error:
            self.message_user(request, f"Nothing was published. {error}", messages.ERROR)
            return False
        self.message_user(request, "Published. Readers see it within five seconds.", messages.SUCCESS)
        return True

    def publish_one(self, request: HttpRequest, draft: Translation) -> None:
        """Publish with an audit entry, of which this app knows nothing: `signatures.audit.letter_admin` does it."""
        raise NotImplementedError

    @admin.action(description="Take back…", permissions=["change"], location=[ActionLocation.CHANGE_FORM])
    def take_back(self, request: HttpRequest, chosen: QuerySet[Translation]) -> HttpResponse:
        """Lead to the page that asks."""
        return redirect("admin:campaign_translation_take_back", chosen.values_list("pk", flat=True)[0])

    def take_back_page(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """GET asks first, POST takes back a text that was just published by mistake."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        text = get_object_or_404(Translation.objects.select_related("revision__letter"), pk=object_id)
        if request.method != "POST":
            context = {
                **self.admin_site.each_context(request),
                "title": "Take this text back",
                "letter": text.revision.letter,
                "consequence": f"{text}: {TAKING_BACK}",
                "leave_to": "admin:campaign_translation_changelist",
            }
            return TemplateResponse(request, "admin/ask_first.html", context)
        try:
            with transaction.atomic():
                self.take_back_one(request, text)
        except Refused as error:
            self.message_user(request, f"Nothing was changed. {error}", messages.ERROR)
        else:
            self.message_user(request, "Taken back. It is a draft.", messages.SUCCESS)
        return redirect("admin:campaign_translation_changelist")

    def take_back_one(self, request: HttpRequest, published: Translation) -> None:
        """Take back with an audit entry, as `publish_one`."""
        raise NotImplementedError


def _seen(drafts: list[Translation], digests: list[str]) -> list[Translation]:
    """Returns the drafts as they are now, which nobody saves until the transaction ends.

    Raises:
        Refused: when they are not those that the page showed.
    """
    Letter.objects.select_for_update().get(pk=drafts[0].revision.letter_id)
    current = _drafts(str(draft.pk) for draft in drafts)
    if digests != [row_digest(draft) for draft in current]:
        raise Refused("Somebody changed a draft meanwhile. Please read it again.")
    return current


def _drafts(ids: Iterable[str]) -> list[Translation]:
    """Returns these drafts, the authoritative one first, because the others translate it."""
    drafts = Translation.objects.drafts().filter(pk__in=[number for text_id in ids if (number := as_id(text_id))])
    return list(drafts.select_related("revision__letter").order_by("-authoritative", "pk"))


def _consequences(drafts: list[Translation]) -> dict[str, Any]:
    """Returns what the page says: each text with its differences, and what becomes of the other languages."""
    letter = drafts[0].revision.letter
    shown = {text.language: text for text in Translation.objects.shown(letter.slug)}
    languages = {draft.language for draft in drafts}
    return {
        **steps_context(letter, PUBLISH),
        "letter": letter,
        "opens": letter.state == Letter.State.DRAFT,
        "pushed_aside": _pushed_aside(letter),
        "texts": [_shown_draft(draft, shown.get(draft.language)) for draft in drafts],
        "others": sorted(shown.keys() - languages),
        "marks": drafts[0].authoritative and bool(shown.keys() - languages),
    }


def _pushed_aside(letter: Letter) -> Letter | None:
    """Returns the letter whose place on the front page this one takes by being opened now; None if it takes none."""
    first = Letter.objects.current()
    opens_now = letter.opens_at is None or letter.opens_at <= timezone.now()
    is_taken = first and first.put_first_at is None and letter.state == Letter.State.DRAFT and opens_now
    return first if is_taken else None


def _shown_draft(draft: Any, before: Translation | None) -> dict[str, Any]:
    wording = draft.revision.translations.published().filter(authoritative=True).first()
    draft.authoritative_language = (wording or draft).language  # that of the letterhead
    return {
        "text": draft,
        "seen": row_digest(draft),
        "before": before,
        "changes": text.changes(before.parts(), draft.parts()) if before else [],
        "details": [
            field for field in Translation.DETAIL_FIELDS if before and getattr(before, field) != getattr(draft, field)
        ],
        "wording_day": _day(wording),
    }


def _day(published: Translation | None) -> date | None:
    return published.published_at.date() if published and published.published_at else None
