"""The page behind the link says in one sentence what is signed, with one button; afterwards, when the name appears."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaign.letters import text_cache
from campaign.letters.publishing import publish, revise
from campaign.models import Letter
from campaign.web import middleware
from signatures import counts, retention
from signatures.models import EmailSubject, HourlyStatistic, Signature, Submission
from signatures.outbox import sending
from signatures.states import State
from signatures.values import tokens
from tests.factories import WORDS, make_mail, make_many, make_signature, make_submission
from tests.inbox import Inbox

pytestmark = pytest.mark.django_db


def page_of(row: Signature | Submission) -> str:
    return f"/signature/{tokens.personal_token(row.public_id)}/"


def shown(client: Client, row: Signature | Submission) -> str:
    return client.get(page_of(row)).content.decode()


def button_form(page: str) -> tuple[dict[str, str], str]:
    """Returns what the one button sends, and the words of its form."""
    form = page.partition("as-entered")[2].partition("</form>")[0]
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    return {name: unescape(value) for name, value in fields.items()}, re.sub(r"<[^>]+>|\s+", " ", unescape(form))


def test_the_button_signs_what_the_sentence_says(client: Client, letter: Letter) -> None:
    row = make_submission(letter, "Ada O’Neill", role="Countess", country="GB", comment="Good luck")
    fields, words = button_form(shown(client, row))
    for said in ("Ada O’Neill", "Countess", "United Kingdom", "Good luck", "under the English letter", WORDS["title"]):
        assert said in words, "a stranger may have typed it"
    assert (fields["consent"], fields["text"]) == ("on", letter.revisions.get().translations.get().digest)

    assert client.post(page_of(row), {**fields, "action": "confirm"}).status_code == 303
    signature = Signature.objects.get()
    assert (signature.name, signature.role, signature.country) == ("Ada O’Neill", "Countess", "GB")
    assert (signature.comment, signature.visibility) == ("Good luck", "public")


@pytest.mark.parametrize(
    ("typed", "button", "sentence"),
    [
        ({}, "Yes, put my name under this letter", "for everyone to see, here and in the delivered letter"),
        ({"kind": "organization"}, "Yes, put our name under this letter", "for everyone to see"),
        ({"visibility": "delivery"}, "Yes, put my name under this letter", "in the delivered letter only"),
        ({"visibility": "counted", "name": ""}, "Yes, count me under this letter", "counted without a name"),
    ],
)
def test_button_and_sentence_suit_who_signs_and_how(
    client: Client, letter: Letter, typed: dict[str, Any], button: str, sentence: str
) -> None:
    row = make_submission(letter, **{"name": "Ben", **typed})
    words = button_form(shown(client, row))[1]
    assert button in words and sentence in words


def test_the_button_under_changed_words_names_no_choice_that_may_be_changed(client: Client, ben: Submission) -> None:
    page = shown(client, ben)
    changing = page[page.index('<details class="disclosure change"') : page.index('class="not-me"')]
    assert "Yes, sign it like this" in changing and "Yes, put my name" not in changing


def test_without_consent_nothing_is_signed_and_the_button_stays(client: Client, ben: Submission) -> None:
    fields = button_form(shown(client, ben))[0]
    del fields["consent"]
    answer = client.post(page_of(ben), {**fields, "action": "confirm"})
    assert answer.status_code == 422 and not Signature.objects.exists()
    page = answer.content.decode()
    assert "We may store nothing without your consent" in page and button_form(page)[0]["consent"] == "on"


def test_a_letter_that_moved_on_is_read_again_and_signed_with_the_words_that_were_sent(
    client: Client, letter: Letter, ben: Submission
) -> None:
    fields = button_form(shown(client, ben))[0] | {"name": "Ben Nevis"}
    publish(revise(letter, "en", {**WORDS, "body": "Another wording."}, authoritative=True))
    text_cache.clear_cache()
    answer = client.post(page_of(ben), {**fields, "action": "confirm"})
    page = answer.content.decode()
    assert answer.status_code == 422 and "The letter has changed" in page and "Another wording." in page
    again = button_form(page)[0]
    assert again["name"] == "Ben Nevis" and again["text"] != fields["text"]
    assert client.post(page_of(ben), {**again, "action": "confirm"}).status_code == 303


def test_what_is_wrong_must_be_corrected_before_anything_can_be_sent(client: Client, ben: Submission) -> None:
    fields = button_form(shown(client, ben))[0]
    page = client.post(page_of(ben), {**fields, "name": "", "action": "confirm"}).content.decode()
    assert "as-entered" not in page and '<details class="disclosure change" open>' in page


def test_C2_the_page_holds_no_script_that_presses_the_button(client: Client, ben: Submission) -> None:
    assert re.findall(r"<script[^>]*>", shown(client, ben)) == ['<script src="/static/js/page.js" defer>']


def test_this_was_not_me_answers_with_thanks(client: Client, ben: Submission) -> None:
    answer = client.post(page_of(ben), {"action": "not-me"}).content.decode()
    assert "<h1>Thank you for telling us</h1>" in answer and "erased" not in answer


@pytest.mark.parametrize(
    ("closes_in", "said"), [(None, "You have 7 days to do so."), (timedelta(hours=20), "You have one day to do so.")]
)
def test_page_and_email_tell_when_what_was_typed_is_deleted_and_then_it_is(
    client: Client, letter: Letter, inbox: Inbox, closes_in: timedelta | None, said: str
) -> None:
    """However soon the letter closes: after that day it cannot be confirmed, and is kept as long as any other."""
    Letter.objects.update(closes_at=closes_in and timezone.now() + closes_in)
    text_cache.clear_cache()
    middleware.page_cache.clear()
    page = " ".join(client.get("/letters/bridge/check-mail/").content.decode().split())
    row = make_submission(letter, "Ada")
    make_mail(row, "ada@example.org")
    sending.send_due()
    body = inbox[-1].get_body(("plain",))
    assert body is not None
    email = " ".join(body.get_content().split())
    assert said in page and "one day" not in email

    told = [re.findall(r"is deleted after (\d+) days\.", words) for words in (page, email)]
    assert told[0] == told[1] and len(told[0]) == 1
    kept_for = timedelta(days=int(told[0][0]))
    for age, is_kept in ((kept_for - timedelta(minutes=5), True), (kept_for, False)):
        Submission.objects.update(signed_up_at=timezone.now() - age)
        retention.delete_old_submissions()
        assert Submission.objects.exists() is is_kept


def test_it_tells_sender_and_subject_of_the_email_and_has_a_link_to_share(
    client: Client, letter: Letter, settings: Any
) -> None:
    settings.DEFAULT_FROM_EMAIL = '"Bridge Society" <letters@site.example>'
    EmailSubject.objects.create(mail="link", language="en", subject="Your bridge")
    page = client.get("/letters/bridge/check-mail/").content.decode()
    told = dict(re.findall(r"<dt>(\w+)</dt><dd>(.*?)</dd>", re.sub(r"</?bdi>", "", page)))
    assert told == {"From": "Bridge Society &lt;letters@site.example&gt;", "Subject": "Your bridge"}
    assert '<a href="/letters/bridge/tell/">Tell others about this letter</a>' in page


# Afterwards


def decide(letter: Letter, number: int, *, days_ago: float = 1) -> None:
    HourlyStatistic.objects.create(
        hour=timezone.now() - timedelta(days=days_ago), letter=letter, language="en", event="approve", number=number
    )


def test_who_waits_is_told_how_many_wait_and_how_long_that_takes(client: Client, letter: Letter) -> None:
    row = make_signature(letter, "Cleo", State.WAITING)
    make_many(letter, 9, state=State.WAITING)
    page = " ".join(shown(client, row).split())
    assert "10 signatures are waiting to be read." in page and "pace" not in page, "nobody decided last week"

    decide(letter, 700, days_ago=9)
    decide(letter, 14)
    assert counts.review_days(letter.pk, 10) == 5
    assert "At last week’s pace, that takes about 5 days." in " ".join(shown(client, row).split())


@pytest.mark.parametrize(
    ("visibility", "words"),
    [
        ("public", "Your name is in the list."),
        ("delivery", "Your name will be in the delivered letter, and not on this website."),
        ("counted", "Your name appears nowhere."),
    ],
)
def test_who_is_accepted_is_told_where_the_name_is(client: Client, letter: Letter, visibility: Any, words: str) -> None:
    row = make_signature(letter, "" if visibility == "counted" else "Ada", visibility=visibility)
    page = shown(client, row)
    assert words in page and "<strong>1</strong> person has signed" in page


def test_S38_until_the_next_step_the_count_is_that_of_everybody_and_the_page_says_so(
    client: Client, letter: Letter, settings: Any
) -> None:
    settings.COUNT_STEP_MINUTES = 5
    for state in (State.WAITING, State.APPROVED):
        page = shown(client, make_signature(letter, f"Ada {state}", state, confirmed_at=timezone.now()))
        assert "signed</p>" not in page and "<strong>" not in page.partition("<h1>")[2].partition("<section")[0]
        assert "every 5 minutes: you are in it with the next update" in " ".join(page.split())


def test_the_page_begins_with_thanks_count_and_links_to_share_and_the_rest_is_folded(
    client: Client, ada: Signature
) -> None:
    page = shown(client, ada)
    order = [
        "Thank you",
        "signed",
        "Tell others",
        "<summary>Manage my signature",
        "What is stored",
        "Take my name back",
    ]
    places = [page.index(words, page.index("<h1>")) for words in order]
    assert places == sorted(places)
    assert '<details class="disclosure manage">' in page
