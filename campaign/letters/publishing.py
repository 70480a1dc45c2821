"""Publishing: texts of a letter are revised and frozen, news is announced and retracted."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from campaign.letters import text
from campaign.models import News
from campaign.models.letter import Letter, Translation


@transaction.atomic
def revise(letter: Letter, language: str, words: dict[str, Any], **about: Any) -> Translation:
    """The translation that says these words: the one that is there, or a draft mended, or a new one, unpublished.

    A changed published text becomes a new revision; a further language joins the newest revision. What
    is told `about` it (`Translation.ABOUT`) is no part of the words.
    """
    Letter.objects.select_for_update().get(pk=letter.pk)
    newest = letter.revisions.first()
    wanted = Translation(language=language, **words, **about)
    there = newest and newest.translations.filter(language=language).first()
    if there and there.published_at and text.digest(wanted.parts()) == there.digest:
        return there
    if there and not there.published_at:
        wanted.pk = there.pk
    if newest is None or (there and there.published_at):
        newest = letter.revisions.create(number=newest.number + 1 if newest else 1)
    wanted.revision = newest
    wanted.save()
    return wanted


@transaction.atomic
def publish(translation: Translation) -> None:
    """Freeze the text; a letter that was a draft opens with its first text."""
    locked = Translation.objects.select_for_update().select_related("revision__letter").get(pk=translation.pk)
    if locked.published_at is None:
        locked.published_at = timezone.now()
        locked.save(update_fields=["published_at", "digest"])
    letter = locked.revision.letter
    if letter.state == Letter.State.DRAFT:
        letter.state = Letter.State.OPEN
        letter.save(update_fields=["state"])


class EmptyNews(Exception):
    """News without words in any language cannot be announced."""


@transaction.atomic
def announce(news: News) -> None:
    """Put the news on the page, or put it there again.

    Raises:
        NothingToTell: when it has words in no language.
    """
    locked = News.objects.select_for_update().get(pk=news.pk)
    if not locked.texts.exists():
        raise EmptyNews
    locked.published_at = locked.published_at or timezone.now()
    locked.retracted_at = None
    locked.save(update_fields=["published_at", "retracted_at"])


@transaction.atomic
def retract(news: News) -> None:
    """Take the news off the page. It is kept, so that staff know what was said."""
    locked = News.objects.select_for_update().get(pk=news.pk)
    if locked.is_announced:
        locked.retracted_at = timezone.now()
        locked.save(update_fields=["retracted_at"])
