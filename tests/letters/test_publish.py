"""Publishing is a decision: a page that says what will happen, one button, an audit entry."""

import re
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from campaign.letters.publishing import publish, revise
from campaign.models import Letter, Translation
from signatures.models import AuditEntry
from tests.factories import LETTERHEAD, WORDS, make_letter
from tests.publish_page import address_of, publish_by_page

KOREAN = {**WORDS, "title": "다리에 관한 편지", "body": "다리 하나를 청합니다."}
pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(editor: Any, client: Client) -> Client:
    client.force_login(editor)
    return client


def page_of(client: Client, *drafts: Translation) -> str:
    return re.sub(r"\s+", " ", client.get(address_of(*drafts)).content.decode())


def entries() -> list[tuple[int | None, int | None, dict[str, Any]]]:
    return list(AuditEntry.objects.filter(action="publish").values_list("staff_id", "letter_id", "detail"))


def test_the_page_shows_the_text_as_readers_will_see_it(staff: Client, letter: Letter) -> None:
    page = page_of(staff, revise(letter, "ko", KOREAN, unofficial=True))
    sheet = re.search(r'<article class="sheet" lang="ko" dir="ltr">.*?</article>', page)
    assert sheet and "<p>다리 하나를 청합니다.</p>" in sheet[0] and str(LETTERHEAD["name"]) in sheet[0]
    assert "The page calls it an unofficial draft." in page
    assert "It is the first text in this language." in page


def test_a_text_written_from_right_to_left_is_shown_so(staff: Client, letter: Letter) -> None:
    assert '<article class="sheet" lang="ar" dir="rtl">' in page_of(staff, revise(letter, "ar", KOREAN))


def test_the_page_shows_what_differs_from_the_published_text(staff: Client, letter: Letter) -> None:
    publish(revise(letter, "ko", KOREAN))
    page = page_of(staff, revise(letter, "ko", {**KOREAN, "title": "교량"}, recipient="장관님"))
    assert "<del>다리에 관한 편지</del>" in page and "<ins>교량</ins>" in page
    assert "Beside the words: recipient." in page
    assert "Korean: translation of revision 1, published " in page


def test_the_page_says_which_letter_leaves_the_front_page(staff: Client, letter: Letter) -> None:
    other = Letter.objects.create(slug="ferry", recipient="the Minister of Ferries")
    draft = revise(other, "en", WORDS, authoritative=True)
    pushed_aside = "It will be on the front page, in place of “bridge”."
    assert pushed_aside in page_of(staff, draft)
    Letter.objects.filter(pk=letter.pk).update(put_first_at=timezone.now())
    assert pushed_aside not in page_of(staff, draft)


def test_the_page_says_what_becomes_of_the_other_languages(staff: Client, letter: Letter) -> None:
    publish(revise(letter, "ko", KOREAN))
    correction = page_of(staff, revise(letter, "ko", {**KOREAN, "title": "교량"}))
    assert (
        "Korean. English: readers keep the text that they have." in correction
        and "an earlier wording" not in correction
    )
    wording = page_of(staff, revise(letter, "en", {**WORDS, "title": "Two bridges"}))
    assert "English: revision 2, the authoritative wording" in wording
    assert "Korean: readers keep the text that they have. It says that it is of an earlier wording" in wording


def test_the_page_says_from_when_what_it_freezes_and_who_is_told(staff: Client, db: None) -> None:
    letter = Letter.objects.create(slug="new", recipient="the Minister")
    draft = revise(letter, "en", WORDS, authoritative=True)
    page = page_of(staff, draft)
    for sentence in (
        "readers see it within five seconds", "The letter becomes public, and opens for signatures",
        "These words, for good", "Nobody gets an email.", "is shown the new text before they can sign",
    ):  # fmt: skip
        assert sentence in page
    content = page.split('<div id="content-main"')[1]
    assert content.count('type="submit"') == content.count('value="Publish"') == 1, "one button"


def test_A21_looking_publishes_nothing_and_the_button_publishes(staff: Client, letter: Letter, editor: Any) -> None:
    draft = revise(letter, "ko", KOREAN)
    page_of(staff, draft)
    chosen = {"action": "publish", "_selected_action": [draft.pk], "index": "0"}
    assert staff.post("/admin/campaign/translation/", chosen)["Location"] == address_of(draft), "the action leads there"
    assert not entries() and Translation.objects.newest("bridge", "ko") != draft

    answer = publish_by_page(staff, draft)

    assert "Published. Readers see it within five seconds." in answer.content.decode()
    assert Translation.objects.newest("bridge", "ko") == draft
    assert entries() == [(editor.pk, letter.pk, {"row": draft.pk, "revision": 1, "language": "ko"})]


def test_several_languages_are_published_together_or_not_at_all(staff: Client, letter: Letter) -> None:
    korean = revise(letter, "ko", KOREAN, revision=letter.revisions.create(number=2))
    english = revise(letter, "en", {**WORDS, "title": "Two bridges"})
    assert "authoritative text first" in publish_by_page(staff, korean).content.decode()
    assert not entries()
    publish_by_page(staff, korean, english)
    assert [text.revision.number for text in Translation.objects.shown("bridge")] == [2, 2]
    assert len(entries()) == 2


def test_A7_what_is_published_is_what_the_page_showed(staff: Client, letter: Letter) -> None:
    draft = revise(letter, "ko", KOREAN)
    seen = re.findall(r'name="seen" value="(\w+)"', page_of(staff, draft))
    revise(letter, "ko", {**KOREAN, "title": "A colleague's words"})

    answer = staff.post(address_of(draft), {"seen": seen})

    assert "Somebody changed a draft meanwhile" in answer.content.decode()
    assert "A colleague&#x27;s words" in answer.content.decode(), "it is shown as it is now"
    assert not entries()


def test_pressed_twice_it_publishes_once(staff: Client, letter: Letter) -> None:
    draft = revise(letter, "ko", KOREAN)
    seen = re.findall(r'name="seen" value="(\w+)"', page_of(staff, draft))
    for _press in range(2):
        assert staff.post(address_of(draft), {"seen": seen}).status_code == 302
    assert len(entries()) == 1


def test_drafts_of_two_letters_are_two_decisions(staff: Client, letter: Letter) -> None:
    other = revise(make_letter("tunnel"), "ko", KOREAN)
    answer = staff.get(address_of(revise(letter, "ko", KOREAN), other), follow=True)
    assert "Please choose drafts of one letter." in answer.content.decode()


@pytest.mark.parametrize("query", ["", "?text=", "?text=x", "?text=999999", f"?text={'9' * 30}"])
def test_without_a_draft_there_is_nothing_to_publish(staff: Client, letter: Letter, query: str) -> None:
    answer = staff.get(f"/admin/campaign/translation/publish/{query}", follow=True)
    assert "Please choose drafts of one letter." in answer.content.decode()


def test_A5_only_editors_publish(moderator_client: Client, letter: Letter) -> None:
    draft = revise(letter, "ko", KOREAN)
    assert moderator_client.get(address_of(draft)).status_code == 403
    assert moderator_client.post(address_of(draft), {"seen": ["x"]}).status_code == 403


def test_loading_a_folder_is_recorded_too(db: None) -> None:
    call_command("load_letter", stdout=StringIO())
    text = Translation.objects.get(language="en")
    detail = {"row": text.pk, "revision": 1, "language": "en"}
    assert entries() == [(None, text.revision.letter_id, detail)]
    call_command("load_letter", stdout=StringIO())
    assert len(entries()) == 1, "what was published already is not published again"
