"""Admin pages of letters, their texts and the news: those of `campaign`, with an audit entry for each change."""

from http import HTTPStatus
from typing import Any, override

from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from campaign.letters.admin import LetterAdmin, TextForm, TranslationAdmin
from campaign.letters.forms import AskingForm
from campaign.letters.news_admin import NewsAdmin
from campaign.letters.notice_admin import NoticeAdmin
from campaign.letters.publishing import authoritative_text
from campaign.models import Letter, Logo, News, Notice, Translation
from signatures import publication
from signatures.audit.admin_mixins import AuditedAdmin, staff_id
from signatures.audit.letter_decisions import LetterDecisions
from signatures.letters import has_signers
from signatures.models import Signature
from signatures.registries import AuditAction
from signatures.sharing import share_image
from signatures.states import State


class LetterForm(AskingForm):
    instance: Letter

    def consequences(self, typed: dict[str, Any]) -> list[str]:
        before, sentences = self.initial, super().consequences(typed)
        if (typed.get("logo") or typed.get("remove_logo")) and Logo.objects.filter(letter=self.instance.pk):
            sentences.append("The logo that is stored is deleted: this site keeps no former one.")
        if not self.instance.pk or not Letter.objects.published().filter(pk=self.instance.pk):
            return sentences
        if "slug" in typed and typed["slug"] != before["slug"]:
            sentences.append(
                f"/letters/{before['slug']}/ leads to the new address for ever: no other letter can have it."
            )
        if "moderation" in typed and typed["moderation"] == Letter.Moderation.AFTER != before["moderation"]:
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
    form: Any = LetterForm
    letter_id_path = "pk"

    @override
    def begin_text(self, request: HttpRequest, letter: Letter, language: str, title: str) -> Translation:
        draft = super().begin_text(request, letter, language, title)
        texts: Any = self.admin_site.get_model_admin(Translation)
        texts.record(request, AuditAction.SET_TRANSLATION, draft)
        texts.log_addition(request, draft, [])
        return draft

    @override
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.share_image_view)
        return [path("<int:letter_id>/share-image.png", view, name="campaign_letter_share_image"), *super().get_urls()]

    def share_image_view(self, request: HttpRequest, letter_id: int) -> HttpResponse:
        """Draw it also for a letter that is not public yet."""
        letter = get_object_or_404(Letter, pk=letter_id)
        text = authoritative_text(letter)
        if text is None or not self.has_view_permission(request, letter):
            raise Http404
        image = share_image.image_of(text)
        return HttpResponse(image, "image/png") if image else HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)

    @override
    @admin.display(description="as other sites show it")
    def share_image(self, letter: Letter) -> str:
        address = reverse("admin:campaign_letter_share_image", args=[letter.pk])
        return format_html('<img class="share-image" src="{}" alt="The share image" width="600" height="315">', address)


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


@admin.register(Notice)
class AuditedNoticeAdmin(AuditedAdmin, NoticeAdmin):
    form: Any = AskingForm


@admin.register(News)
class AuditedNewsAdmin(AuditedAdmin, NewsAdmin):
    form: Any = AskingForm
    letter_id_path = "letter_id"

    @transaction.atomic
    def announce_one(self, request: HttpRequest, news: News) -> bool:
        if changed := super().announce_one(request, news):
            self.record(request, AuditAction.ANNOUNCE, news)
        return changed

    @transaction.atomic
    def retract_one(self, request: HttpRequest, news: News) -> bool:
        if changed := super().retract_one(request, news):
            self.record(request, AuditAction.RETRACT, news)
        return changed
