"""A text that was published by mistake is taken back within half an hour, before anybody signed it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from campaign.letters import publishing, text_cache
from campaign.letters.publishing import Refused, publish, revise
from campaign.models import Letter, Translation
from signatures import publication
from signatures.models import AuditEntry, Delivery
from tests.factories import WORDS, make_delivery, make_signature, make_submission

KOREAN = {**WORDS, "title": "다리에 관한 편지"}
WRONG = {**WORDS, "title": "A letter with a mistake"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(editor: Any, client: Client) -> Client:
    client.force_login(editor)
    return client


def published(letter: Letter, language: str = "en", words: dict[str, Any] = WRONG) -> Translation:
    text = revise(letter, language, words)
    publish(text)
    text.refresh_from_db()
    return text


def page_of(text: Translation) -> str:
    return f"/admin/campaign/translation/{text.pk}/take-back/"


def title(letter: Letter, language: str = "en") -> str | None:
    text = Translation.objects.newest(letter.slug, language)
    return text.title if text else None


def test_A21_it_asks_and_then_readers_see_the_text_before_it_again(staff: Client, letter: Letter) -> None:
    before, wrong = title(letter), published(letter)
    assert title(letter) == WRONG["title"]
    asked = staff.get(page_of(wrong)).content.decode()
    assert "as long as nobody has signed the text" in asked and title(letter) == WRONG["title"]
    assert "Taken back. It is a draft." in staff.post(page_of(wrong), follow=True).content.decode()
    assert title(letter) == before
    text_cache.clear_cache()
    assert WRONG["title"] not in Client().get("/letters/bridge/history/").content.decode()
    entry = AuditEntry.objects.get(action="take-back")
    assert entry.letter_id == letter.pk and entry.detail["row"] == wrong.pk and entry.staff_id


def test_its_words_are_a_draft_that_can_be_mended_and_published(letter: Letter) -> None:
    wrong = published(letter)
    publication.take_back(wrong, by=None)
    draft = Translation.objects.drafts().get()
    assert (draft.title, draft.revision, draft.authoritative) == (wrong.title, wrong.revision, True)
    mended = revise(letter, "en", {**WRONG, "title": "Without a mistake"})
    assert mended.pk == draft.pk
    publish(mended)
    assert title(letter) == "Without a mistake"


def test_a_draft_that_somebody_has_begun_meanwhile_stays(letter: Letter) -> None:
    wrong = published(letter)
    begun = revise(letter, "en", {**WRONG, "title": "Begun"})
    publication.take_back(wrong, by=None)
    assert [draft.title for draft in Translation.objects.drafts()] == [begun.title]


def test_another_language_keeps_its_text(letter: Letter) -> None:
    wrong = published(letter, "ko", KOREAN)
    english = title(letter)
    publication.take_back(wrong, by=None)
    assert (title(letter), title(letter, "ko")) == (english, english)


def test_a_letter_without_another_text_is_hidden_again() -> None:
    letter = Letter.objects.create(slug="new", recipient="the Minister of Bridges")
    wrong = revise(letter, "en", WRONG, authoritative=True)
    publish(wrong)
    letter.refresh_from_db()
    assert letter.state == "open"
    publication.take_back(wrong, by=None)
    letter.refresh_from_db()
    assert (letter.state, title(letter)) == ("draft", None)


@pytest.mark.parametrize("make", [make_signature, make_submission])
def test_not_once_somebody_has_signed_it(staff: Client, letter: Letter, make: Any) -> None:
    wrong = published(letter)
    row = make(letter, "Ada")
    type(row).objects.filter(pk=row.pk).update(translation=wrong)
    said = staff.post(page_of(wrong), follow=True).content.decode()
    assert "Nothing was changed. Somebody has signed this text." in said
    assert title(letter) == WRONG["title"]


def test_not_once_it_was_delivered(letter: Letter) -> None:
    wrong = published(letter)
    delivery = make_delivery(letter)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE signatures_delivery DISABLE TRIGGER USER")
    Delivery.objects.filter(pk=delivery.pk).update(texts=[{"translation": wrong.pk}])
    with pytest.raises(Refused, match="A delivery holds this text"):
        publication.take_back(wrong, by=None)


def test_not_after_half_an_hour(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong, now = published(letter), timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(minutes=31))
    with pytest.raises(Refused, match="more than half an hour ago"):
        publication.take_back(wrong, by=None)


def test_not_twice_and_not_before_a_later_one(letter: Letter) -> None:
    wrong = published(letter)
    translated = published(letter, "ko", KOREAN)
    with pytest.raises(Refused, match="A later text is there already"):
        publication.take_back(wrong, by=None)
    publication.take_back(translated, by=None)
    publication.take_back(wrong, by=None)
    with pytest.raises(Refused, match="not published"):
        publication.take_back(wrong, by=None)


@pytest.mark.parametrize("change", ["title = 'x'", "title = 'x', taken_back_at = now()", "published_at = NULL"])
def test_the_database_lets_nothing_else_be_changed(letter: Letter, change: str) -> None:
    wrong = published(letter)
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE campaign_translation SET {change} WHERE id = %s", [wrong.pk])


def test_the_database_knows_the_half_hour_too(letter: Letter) -> None:
    text = Translation.objects.published().get(revision__letter=letter)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE campaign_translation DISABLE TRIGGER USER")
        cursor.execute("UPDATE campaign_translation SET published_at = now() - interval '2 hours'")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE campaign_translation ENABLE TRIGGER USER")
        with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
            cursor.execute("UPDATE campaign_translation SET taken_back_at = now() WHERE id = %s", [text.pk])


def test_moderators_cannot(moderator_client: Client, letter: Letter) -> None:
    wrong = published(letter)
    assert moderator_client.post(page_of(wrong)).status_code == 403
    assert title(letter) == WRONG["title"]


def test_whoever_had_signed_the_former_text_still_has_it(letter: Letter) -> None:
    ada = make_signature(letter, "Ada")
    digest = ada.translation.digest
    publication.take_back(published(letter), by=None)
    ada.refresh_from_db()
    assert ada.translation.digest == digest and publishing.newest_wording(letter) == ada.translation


def test_what_was_taken_back_is_not_published_again_by_its_folder(letter: Letter) -> None:
    wrong = published(letter)
    publication.take_back(wrong, by=None)
    Translation.objects.drafts().delete()
    with pytest.raises(Refused, match="was taken back"):
        publish(wrong)
    assert title(letter) != WRONG["title"]
    publish(revise(letter, "en", WRONG))
    assert title(letter) == WRONG["title"], "the same words, as a text of their own"


def test_a_letter_keeps_its_text_when_its_slug_changes(letter: Letter) -> None:
    assert text_cache.newest(letter.pk).revision.letter_id == letter.pk
    Letter.objects.filter(pk=letter.pk).update(slug="bridge-2013")
    for _each in range(2):
        assert text_cache.newest(letter.pk).revision.letter_id == letter.pk
    text_cache.clear_cache()


def test_a_detail_alone_can_be_corrected(letter: Letter) -> None:
    text = published(letter, "ko", KOREAN)
    corrected = revise(letter, "ko", KOREAN, recipient="장관님")
    assert corrected.pk != text.pk and corrected.published_at is None and corrected.recipient == "장관님"
    assert revise(letter, "en", WORDS).pk == Translation.objects.newest(letter.slug, "en").pk  # type: ignore[union-attr]
