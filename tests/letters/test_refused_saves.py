"""What staff typed is never lost, whatever a colleague did with the row meanwhile (threat model A7)."""

import re
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from campaign.letters.publishing import announce, discard, publish, retract, revise
from campaign.models import Letter, News, Translation
from signatures.models import Question
from tests.admin_forms import fields_of, fill_in, rows
from tests.conftest import member_of
from tests.factories import WORDS, make_letter

KOREAN = {**WORDS, "title": "다리에 관한 편지"}
TYPED = 'An hour of words\n\nin "two" <b>paragraphs</b>'
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _letters_beyond_the_first_thousand(db: None) -> None:
    """A template would write such a number as 1,000 into a hidden field."""
    sequence = "pg_get_serial_sequence('campaign_letter', 'id')"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT setval({sequence}, greatest(1000, nextval({sequence})))")


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(member_of("editor"))
    return client


def change_page(draft: Translation) -> str:
    return f"/admin/campaign/translation/{draft.pk}/change/"


def save(client: Client, page: str, typed: dict[str, Any]) -> tuple[int, str]:
    """Returns status and words of the answer to a save, as a person reads them."""
    answer = client.post(page, {**typed, "_save": "next"})
    return answer.status_code, unescape(answer.content.decode())


def in_the_form_to_send(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))


def test_A7_words_for_a_draft_that_was_just_published_come_back_beside_it_and_become_a_new_draft(
    staff: Client, letter: Letter
) -> None:
    draft = revise(letter, "ko", KOREAN)
    typed = fill_in(staff, change_page(draft), body=TYPED, **rows("signatories", ("Ana Roy", "Chair")))
    publish(draft)
    draft.refresh_from_db()

    answer = staff.post(change_page(draft), typed)

    page = answer.content.decode()
    assert answer.status_code == 409 and "Nothing was saved, and nothing of yours is lost." in page
    assert TYPED in unescape(page) and "<b>paragraphs" not in page
    assert f"{draft.body}</textarea>" in page, "both texts"
    labels = re.findall(r"<label>(.*?) <textarea", page)
    assert labels == ["Body, as you typed it", "Body, as it is stored", "Signatories 1 name, as you typed it",
                      "Signatories 1 titles, as you typed it"]  # fmt: skip
    assert not Translation.objects.drafts()
    (address,) = re.findall(r'<form method="post" action="(/admin/campaign/translation/[^"]*)">', page)
    values = {name: unescape(value) for name, value in in_the_form_to_send(page).items()}
    kept_as_draft = staff.post(address, {**values, "_continue": "1"})
    assert kept_as_draft.status_code == 302, re.findall(
        r'class="errornote.*?</ul>', kept_as_draft.content.decode(), re.DOTALL
    )
    kept = Translation.objects.drafts().get()
    assert (kept.body, kept.language, kept.revision) == (TYPED, "ko", draft.revision)
    assert [person["name"] for person in kept.signatories] == ["Ana Roy"]
    assert Translation.objects.newest(letter.slug, "ko") == draft, "readers keep what was published"


def test_A7_the_new_draft_does_not_overwrite_one_that_a_colleague_began(staff: Client, letter: Letter) -> None:
    draft = revise(letter, "ko", KOREAN)
    typed = fill_in(staff, change_page(draft), body=TYPED)
    publish(draft)
    page = staff.post(change_page(draft), typed).content.decode()
    revise(letter, "ko", {**KOREAN, "body": "A correction of a colleague"})
    values = {name: unescape(value) for name, value in in_the_form_to_send(page).items()}
    status, page = save(staff, "/admin/campaign/translation/add/", values)
    assert status == 200 and TYPED in page and "as it is stored:<br>A correction of a colleague" in page


def test_A7_words_for_a_text_that_was_deleted_come_back(staff: Client, letter: Letter) -> None:
    draft = revise(letter, "ko", KOREAN)
    typed = fill_in(staff, change_page(draft), body=TYPED)
    discard(draft)
    answer = staff.post(change_page(draft), typed)
    page = answer.content.decode()
    assert answer.status_code == 409 and TYPED in unescape(page)
    values = {name: unescape(value) for name, value in in_the_form_to_send(page).items()}
    again = staff.post("/admin/campaign/translation/add/", {**values, "_continue": "1"})
    assert again.status_code == 200 and TYPED in unescape(again.content.decode()), "letter and language are asked"
    fields = {**fields_of(again), "letter": letter.pk, "language": "ko"}
    assert staff.post("/admin/campaign/translation/add/", fields).status_code == 302
    assert Translation.objects.drafts().get().body == TYPED


def test_A7_words_for_a_letter_that_was_deleted_come_back(staff: Client) -> None:
    letter = make_letter("draft", state=Letter.State.DRAFT)
    steps = {
        "letterhead": {"head_name": "Orchestra", **rows("head_board", ("Ana Roy", "Chair of the board"))},
        "answers": {"organization_name": "Orchestra", "privacy_texts-0-purpose": "An hour of words"},
    }
    typed = {}
    for step, words in steps.items():
        page = f"/admin/campaign/letter/{letter.pk}/step/{step}/"
        typed[page] = fill_in(staff, page, **words)
    letter.delete()
    for page, form in typed.items():
        status, shown = save(staff, page, form)
        assert status == 409 and ">\nOrchestra</textarea>" in shown
        assert "Chair of the board" in shown or "An hour of words" in shown


@pytest.mark.parametrize("change", ["announced", "retracted"])
def test_A7_words_for_news_that_went_on_or_off_the_page_come_back(staff: Client, letter: Letter, change: str) -> None:
    news = News.objects.create(letter=letter)
    news.texts.create(language="en", title="Stored", body="Stored")
    if change == "retracted":
        announce(news)
    page = f"/admin/campaign/news/{news.pk}/change/"
    typed = fill_in(staff, page, **{"texts-0-body": "An hour of words"})
    (announce if change == "announced" else retract)(news)
    status, shown = save(staff, page, typed)
    assert status == 200 and "An hour of words" in shown and "Nothing was saved" in shown
    assert not news.texts.filter(body="An hour of words")


def test_A7_words_for_a_news_text_that_was_deleted_come_back_as_a_new_text(staff: Client, letter: Letter) -> None:
    news = News.objects.create(letter=letter)
    first, _second = (news.texts.create(language=code, title=code, body="Stored") for code in ("en", "ko"))
    page = f"/admin/campaign/news/{news.pk}/change/"
    typed = fill_in(staff, page, **{"texts-0-body": "An hour of words", "texts-1-body": "둘째"})
    first.delete()
    answer = staff.post(page, typed)
    shown = answer.content.decode()
    assert answer.status_code == 200 and "An hour of words" in shown and "둘째" in shown
    assert "was deleted meanwhile" in shown and news.texts.get().body == "Stored"
    assert staff.post(page, fields_of(answer)).status_code == 302
    assert {(text.language, text.body) for text in news.texts.all()} == {("en", "An hour of words"), ("ko", "둘째")}


def test_A7_words_for_a_letter_that_was_archived_come_back(staff: Client, letter: Letter) -> None:
    page = f"/admin/campaign/letter/{letter.pk}/step/answers/"
    words = {"privacy_texts-0-language": "en", "privacy_texts-0-purpose": "An hour of words"}
    typed = fill_in(staff, page, **words)
    Letter.objects.update(state=Letter.State.ARCHIVED)
    status, shown = save(staff, page, typed)
    assert status == 200 and "Nothing was saved" in shown and "An hour of words" in shown


def test_A7_a_language_for_a_letter_that_was_published_is_not_dropped_in_silence(staff: Client) -> None:
    letter = Letter.objects.create(slug="new", recipient="the council")
    draft = revise(letter, "en", WORDS, authoritative=True)
    page = f"/admin/campaign/letter/{letter.pk}/change/"
    typed = fill_in(staff, page, language="fr", recipient="An hour of words")
    publish(draft)
    Letter.objects.update(state=Letter.State.DRAFT)
    status, shown = save(staff, page, typed)
    assert status == 200 and "Nothing was saved" in shown and "An hour of words" in shown


def test_A7_a_form_of_an_owner_comes_back_too(client: Client) -> None:
    client.force_login(member_of("owner"))
    question = Question.objects.create(code="who", text="Who are you?")
    page = f"/admin/signatures/question/{question.pk}/change/"
    typed = fill_in(client, page, text="Who are you, and where do you live?")
    question.delete()
    status, shown = save(client, page, typed)
    assert status == 409 and "Who are you, and where do you live?" in shown


def test_A5_who_may_never_change_a_row_does_not_see_what_it_holds(client: Client, letter: Letter) -> None:
    draft = revise(letter, "ko", KOREAN)
    client.force_login(member_of("delivery officer"))
    status, shown = save(client, change_page(draft), {"body": TYPED})
    assert status == 403 and TYPED in shown and KOREAN["title"] not in shown


def test_A20_what_another_site_sends_is_never_shown_as_typed_here(letter: Letter) -> None:
    draft = revise(letter, "ko", KOREAN)
    publish(draft)
    client = Client(enforce_csrf_checks=True)
    client.force_login(member_of("editor"))
    status, shown = save(client, change_page(draft), {"body": TYPED})
    assert status == 403 and TYPED not in shown and "as a new draft" not in shown
