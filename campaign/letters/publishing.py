"""Actions of editors: revise and publish the text of a letter, announce and retract news."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from campaign.letters import text
from campaign.models import Letter, News, Translation


@transaction.atomic
def revise(letter: Letter, language: str, texts: dict[str, Any], **details: Any) -> Translation:
    """Store the text of a letter in one language, unpublished.

    A draft in this language is overwritten. A change of a published text starts a new revision. A further language
    joins the newest revision.

    Args:
        letter: the letter.
        language: its language code.
        texts: a value for each of `Translation.TEXT_FIELDS`.
        details: values for `Translation.DETAIL_FIELDS`; they are not part of the digest.

    Returns:
        The stored translation. If the same text is published already, that one, with its details as they are.
    """
    Letter.objects.select_for_update().get(pk=letter.pk)
    revision = letter.revisions.first()
    new = Translation(language=language, **texts, **details)
    existing = revision and revision.translations.filter(language=language).first()
    if existing and existing.published_at and text.digest(new.parts()) == existing.digest:
        return existing
    if existing and not existing.published_at:
        new.pk = existing.pk
    if revision is None or (existing and existing.published_at):
        revision = letter.revisions.create(number=revision.number + 1 if revision else 1)
    new.revision = revision
    new.save()
    return new


@transaction.atomic
def publish(translation: Translation) -> None:
    """Publish a text: it can never be changed again. The first published text opens a letter that is a draft."""
    # The lock makes the digest fit the text: without it, `revise` could save other words between read and write.
    locked = Translation.objects.select_for_update().select_related("revision__letter").get(pk=translation.pk)
    if locked.published_at is None:
        locked.published_at = timezone.now()
        locked.save(update_fields=["published_at", "digest"])
    letter = locked.revision.letter
    if letter.state == Letter.State.DRAFT:
        letter.state = Letter.State.OPEN
        letter.save(update_fields=["state"])


class EmptyNews(Exception):
    """News without a text in any language cannot be announced."""


@transaction.atomic
def announce(news: News) -> None:
    """Show the news on the page, also after it was retracted.

    Raises:
        EmptyNews: if it has no text in any language.
    """
    locked = News.objects.select_for_update().get(pk=news.pk)
    if not locked.texts.exists():
        raise EmptyNews
    locked.published_at = locked.published_at or timezone.now()
    locked.retracted_at = None
    locked.save(update_fields=["published_at", "retracted_at"])


@transaction.atomic
def retract(news: News) -> None:
    """Take the news off the page. The row stays, as a record of what was public."""
    locked = News.objects.select_for_update().get(pk=news.pk)
    if locked.is_announced:
        locked.retracted_at = timezone.now()
        locked.save(update_fields=["retracted_at"])
