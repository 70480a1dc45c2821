"""Actions of editors: revise and publish the text of a letter, announce and retract news."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from campaign.letters import text
from campaign.letters.languages import is_known, normalize
from campaign.models import Letter, News, Revision, Translation
from campaign.models.languages import check_language

TAKE_BACK_WITHIN = timedelta(minutes=30)  # of publishing; the database allows a minute more


class Refused(Exception):
    """A text that cannot be stored or published like this. The message is a sentence for staff."""


@transaction.atomic
def revise(
    letter: Letter,
    language: str,
    texts: dict[str, Any],
    *,
    revision: Revision | None = None,
    draft: Translation | None = None,
    **details: Any,
) -> Translation:
    """Store the text of a letter in one language, unpublished. A draft in this language is overwritten.

    A changed text in the authoritative language is a draft of the next revision. A text in another language belongs to
    the revision that it translates, however often it is corrected.

    Args:
        letter: the letter.
        language: its language code.
        texts: a value for each of `Translation.TEXT_FIELDS`.
        revision: the one that it translates; without it the newest wording.
        draft: the draft that is overwritten; without it one in this language, if there is any.
        details: values for `Translation.DETAIL_FIELDS`; they are not part of the digest. Once a wording is published,
            its language is the authoritative one.

    Returns:
        The stored text. If readers have the same text of that revision already, with these details, that one.

    Raises:
        Refused: when the language is none of the list, or it is marked as authoritative in another language than the
            letter's.
    """
    language = normalize(language)
    try:
        check_language(language)
    except ValidationError as error:
        raise Refused(error.message) from None
    Letter.objects.select_for_update().get(pk=letter.pk)
    wording = newest_wording(letter)
    new = Translation(language=language, **texts, **details)
    if wording and new.authoritative and is_bound(wording, language):
        raise Refused(f"The authoritative text of this letter is the one in the language {wording.language}.")
    new.authoritative = new.authoritative or bool(wording and language == wording.language)
    stored = Translation.objects.of_language(letter, language)
    published, drafts = stored.published().first(), stored.drafts()
    translated = None if new.authoritative or wording is None else revision or wording.revision
    is_same = (
        published
        and published.digest == text.digest(new.parts())
        and translated in {None, published.revision}
        and all(getattr(published, field) == getattr(new, field) for field in details)
    )
    if published and is_same and not drafts:
        return published
    new.revision = translated or _next_revision(letter)
    if overwritten := draft or overwritten_draft(letter, language, new.revision):
        new.pk = overwritten.pk
    new.save()
    return new


def overwritten_draft(letter: Letter, language: str, revision: Revision | None) -> Translation | None:
    """Returns the draft that a new text in this language replaces: that of the revision, else the newest."""
    drafts = Translation.objects.of_language(letter, language).drafts()
    return drafts.filter(revision=revision).first() or drafts.first()


def newest_wording(letter: Letter) -> Translation | None:
    """Returns the newest published text in the authoritative language."""
    wordings = Translation.objects.published().filter(revision__letter=letter, authoritative=True)
    return wordings.select_related("revision").order_by("-revision__number").first()


def authoritative_text(letter: Letter) -> Translation | None:
    """Returns the text that decides the authoritative language: the newest published wording, else the draft of one."""
    drafts = Translation.objects.drafts().filter(revision__letter=letter, authoritative=True)
    return newest_wording(letter) or drafts.select_related("revision").order_by("-revision__number").first()


def begin(letter: Letter, language: str, title: str) -> Translation:
    """Store the first draft of a letter, which has a title and no text yet."""
    texts = dict.fromkeys(Translation.TEXT_FIELDS, "") | {"title": title, "signatories": []}
    return revise(letter, language, texts, authoritative=True)


def change_language(letter: Letter, language: str) -> None:
    """Let the draft that is the authoritative text be in another language."""
    drafts = Translation.objects.drafts().filter(revision__letter=letter, authoritative=True)
    drafts.update(language=language)


def is_bound(wording: Translation, language: str) -> bool:
    """Returns whether the next wording must be in another language than this one: that of the published wording.

    A wording that was published before codes were checked may have none; a wording with a code may follow it.
    """
    return wording.language != language and is_known(wording.language)


def _next_revision(letter: Letter) -> Revision:
    """Returns the revision for the next wording: the one that is being drafted, else a new one."""
    newest = letter.revisions.first()
    if newest and newest.translations.exists() and not newest.translations.published():
        return newest
    return letter.revisions.create(number=newest.number + 1 if newest else 1)


@transaction.atomic
def publish(translation: Translation) -> bool:
    """Publish a text: it can never be changed again. The first published text opens a letter that is a draft.

    Returns:
        Whether it was a draft. What is published already stays as it is.

    Raises:
        Refused: when readers would see an older text than before, or a translation of a wording that nobody can read.
    """
    # The lock makes the digest fit the text: without it, `revise` could save other words between read and write.
    letter = Letter.objects.select_for_update(of=("self",)).get(revisions__translations=translation.pk)
    draft = Translation.objects.select_related("revision").get(pk=translation.pk)
    if draft.taken_back_at:
        raise Refused("This text was taken back. Please publish its draft, or write it anew.")
    if is_draft := draft.published_at is None:
        _check_order(letter, draft)
        draft.published_at = timezone.now()
        draft.save(update_fields=["published_at", "digest"])
    if letter.state == Letter.State.DRAFT:
        letter.state = Letter.State.OPEN
        letter.save(update_fields=["state"])
    return is_draft


def _check_order(letter: Letter, draft: Translation) -> None:
    """Raises Refused unless the draft is the next text of its language, and its wording comes first."""
    wording = newest_wording(letter)
    published = Translation.objects.of_language(letter, draft.language).published().first()
    if not (draft.title.strip() and draft.body.strip()):
        raise Refused("A text needs a title and a body.")
    if draft.authoritative and wording and is_bound(wording, draft.language):
        raise Refused(f"The authoritative text of this letter is the one in the language {wording.language}.")
    if not draft.authoritative and not draft.revision.translations.published().filter(authoritative=True):
        raise Refused("Please publish the authoritative text first: this one translates it.")
    if published and published.revision.number > draft.revision.number:
        raise Refused("Readers of this language have a text of a newer wording already.")


@transaction.atomic
def take_back(translation: Translation) -> None:
    """Take a text off the page that was just published by mistake. Its words become a draft, unless there is one.

    A letter without another text is hidden again.

    Raises:
        Refused: when it was published too long ago, or a later text is there.
    """
    letter = Letter.objects.select_for_update(of=("self",)).get(revisions__translations=translation.pk)
    published = Translation.objects.published().filter(revision__letter=letter)
    text = published.select_related("revision").filter(pk=translation.pk).first()
    if text is None or text.published_at is None:
        raise Refused("This text is not published.")
    if text.published_at <= timezone.now() - TAKE_BACK_WITHIN:
        raise Refused("It was published more than half an hour ago. Please correct it by publishing another text.")
    later = published.filter(published_at__gt=text.published_at)
    if later.filter(Q(language=text.language) | Q(revision=text.revision)):
        raise Refused("A later text is there already. Please take that one back first.")
    text.taken_back_at = timezone.now()
    text.save(update_fields=["taken_back_at"])
    if not Translation.objects.of_language(letter, text.language).drafts():
        details = {field: getattr(text, field) for field in Translation.DETAIL_FIELDS}
        revise(letter, text.language, text.text_values(), revision=text.revision, **details)
    if not published.exclude(pk=text.pk):
        letter.state = Letter.State.DRAFT
        letter.save(update_fields=["state"])


@transaction.atomic
def discard(draft: Translation) -> None:
    """Delete a draft, and its revision if nothing else is in it. The database refuses it for a published text."""
    Letter.objects.select_for_update().get(pk=draft.revision.letter_id)
    draft.delete()
    if not draft.revision.translations.exists():
        draft.revision.delete()


class EmptyNews(Exception):
    """News without a text in any language cannot be announced. The text is its number."""


@transaction.atomic
def announce(news: News) -> bool:
    """Show the news on the page, also after it was retracted. Returns False if it was there already.

    Raises:
        EmptyNews: if it has no text in any language.
    """
    locked = News.objects.select_for_update().get(pk=news.pk)
    if not locked.texts.exists():
        raise EmptyNews(news.pk)
    if locked.is_announced:
        return False
    locked.published_at = locked.published_at or timezone.now()
    locked.retracted_at = None
    locked.save(update_fields=["published_at", "retracted_at"])
    return True


@transaction.atomic
def retract(news: News) -> bool:
    """Take the news off the page. The row stays, as a record of what was public. Returns False if it was not there."""
    locked = News.objects.select_for_update().get(pk=news.pk)
    if not locked.is_announced:
        return False
    locked.retracted_at = timezone.now()
    locked.save(update_fields=["retracted_at"])
    return True
