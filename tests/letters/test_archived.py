"""An archived letter is off the index and the front page and takes no signatures; what people have of it keeps working."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaign.letters import text_cache
from campaign.letters.publishing import publish, revise
from campaign.models import Letter
from signatures.delivery import receipts
from signatures.models import DeliveryEntry, OutboxMail, Signature, Submission
from signatures.outbox import sending
from signatures.states import State
from signatures.values import tokens
from tests.delivery.factories import make_delivery
from tests.factories import WORDS, make_letter, make_mail, make_signature
from tests.inbox import Inbox
from tests.signing.test_personal_page import key_of

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def archive(letter: Letter) -> Letter:
    letter.refresh_from_db()
    letter.state = Letter.State.ARCHIVED
    letter.save()
    text_cache.clear_cache()
    return letter


def page_of(row: Signature | Submission) -> str:
    return f"/signature/{tokens.personal_token(row.public_id)}/"


def test_it_is_off_the_index_the_front_page_and_the_sitemap(client: Client, letter: Letter) -> None:
    other = make_letter("other")
    letter.put_first_at = timezone.now()
    archive(letter)
    assert Letter.objects.current() == other
    for address in ("/letters/", "/sitemap.xml"):
        assert "/letters/bridge/" not in client.get(address).content.decode()


@pytest.mark.parametrize("why", ["archived", "draft", "none"])
def test_without_another_letter_the_front_page_says_so_and_leads_signers_to_their_link(
    client: Client, letter: Letter, why: str
) -> None:
    archive(letter)
    if why == "draft":
        Letter.objects.update(state=Letter.State.DRAFT)
    if why == "none":
        Letter.objects.update(state=Letter.State.DRAFT)
        Letter.objects.all().delete()
    for address in ("/", "/ko/", "/letters/"):
        answer = client.get(address)
        page = answer.content.decode()
        assert answer.status_code == 200, "the site works as its staff want it"
        assert 'href="/my-link/"' in page or 'href="/ko/my-link/"' in page
        assert '<meta name="robots" content="noindex">' in page
    assert "There is no letter here at the moment." in page
    assert client.get("/letters/nowhere/").status_code == 404


# The way back to a personal link


def links_mailed(inbox: Inbox, address: str) -> list[str]:
    sending.send_due()
    return [str(message["Subject"]) for message in inbox if message["To"] == address]


def test_who_signed_an_archived_letter_finds_the_way_to_their_link_from_the_index(
    client: Client, letter: Letter, inbox: Inbox
) -> None:
    other = make_letter("other")
    for of_letter in (letter, other):
        make_signature(of_letter, "Ada", address_hash=key_of("ada@example.org"))
    archive(letter)
    index = client.get("/letters/").content.decode()
    assert "Did you sign a letter that is no longer listed?" in index and 'href="/my-link/"' in index
    assert 'href="/my-link/"' in client.get("/letters/other/my-link/").content.decode()

    answer = client.post("/my-link/", {"email": "ada@example.org"})

    assert (answer.status_code, answer["Location"]) == (303, "/my-link/sent/")
    assert "an email about each of them is on its way" in client.get("/my-link/sent/").content.decode()
    assert len(links_mailed(inbox, "ada@example.org")) == 2, "one for each letter"


def test_S1_S2_the_answer_and_the_statements_are_the_same_for_every_address(client: Client, letter: Letter) -> None:
    make_signature(archive(letter), "Ada", address_hash=key_of("ada@example.org"))
    make_letter("other")
    answers = []
    for address in ("ada@example.org", "nobody@example.org"):
        text_cache.clear_cache()
        with CaptureQueriesContext(connection) as statements:
            answer = client.post("/my-link/", {"email": address})
        answers.append((answer.status_code, dict(answer.headers), answer.content, len(statements)))
    assert answers[0] == answers[1]
    assert OutboxMail.objects.count() == 1, "nothing goes to who signed nothing"


def test_a_wrong_address_is_told_beside_the_field(client: Client, letter: Letter) -> None:
    answer = client.post("/my-link/", {"email": "ada"})
    assert answer.status_code == 422 and 'value="ada"' in answer.content.decode()


def test_its_page_has_no_form_and_says_why(client: Client, letter: Letter, form: dict[str, str]) -> None:
    archive(letter)
    page = client.get("/letters/bridge/").content.decode()
    assert "We ask for" in page and "This letter is in the archive. It takes no more signatures." in page
    assert 'name="email"' not in page and 'href="/letters/bridge/my-link/"' in page
    assert client.post("/letters/bridge/sign/", form).status_code == 422
    assert not Submission.objects.exists()


@pytest.mark.parametrize(
    "rest",
    [
        "history/",
        "news/",
        "news/feed/",
        "signatories/",
        "signatories/countries/",
        "my-link/",
        "tell/",
        "api/",
        "embed/",
    ],
)
def test_its_other_pages_stay(client: Client, ada: Signature, rest: str) -> None:
    archive(ada.letter)
    assert client.get(f"/letters/bridge/{rest}").status_code == 200


def test_the_api_says_so_and_the_embed_asks_nobody_to_sign(client: Client, letter: Letter) -> None:
    archive(letter)
    assert client.get("/api/v1/letters/bridge/").json()["state"] == "archived"
    embed = client.get("/letters/bridge/embed/").content.decode()
    assert "Read the letter" in embed and "Read and sign" not in embed


def test_signers_change_and_take_back_what_they_signed(client: Client, ada: Signature, words: dict[str, str]) -> None:
    archive(ada.letter)
    assert "Ada Lovelace" in client.get(page_of(ada)).content.decode()
    client.post(page_of(ada), {**words, "action": "change", "name": "Ada Byron"})
    assert Signature.objects.get().name == "Ada Byron"
    client.post(page_of(ada), {"action": "withdraw"})
    assert Signature.objects.get().state == State.WITHDRAWN
    assert "/letters/bridge/" in client.get(page_of(ada)).content.decode()


def test_receipts_and_the_pages_of_deliveries_hold(client: Client, ada: Signature) -> None:
    make_delivery(ada.letter)
    archive(ada.letter)
    receipt = receipts.issue(DeliveryEntry.objects.select_related("delivery").get())
    assert client.get("/deliveries/bridge/1/").status_code == 200
    assert client.post("/deliveries/bridge/1/", {"proof": str(receipt)}).status_code == 200
    assert "Download the receipt" in client.get(page_of(ada)).content.decode()


@pytest.mark.parametrize(("since", "counts"), [(23 * HOUR, True), (25 * HOUR, False)])
def test_C7_sign_ups_can_be_confirmed_for_24_hours_as_after_closing(
    client: Client, ben: Submission, words: dict[str, str], since: timedelta, counts: bool
) -> None:
    archived = archive(ben.letter)
    assert archived.closes_at is not None and archived.closes_at <= timezone.now()
    Letter.objects.update(closes_at=timezone.now() - since)
    text_cache.clear_cache()
    client.post(page_of(ben), {**words, "action": "confirm"})
    assert Signature.objects.exists() == counts


def test_one_that_was_closed_before_keeps_the_time_at_which_it_was(letter: Letter) -> None:
    closed_at = timezone.now() - 30 * HOUR
    Letter.objects.update(state="closed", closes_at=closed_at)
    archived = archive(letter)
    assert archived.closes_at == closed_at and not archived.takes_confirmations()


def test_it_can_come_back(client: Client, letter: Letter) -> None:
    archive(letter)
    letter.state, letter.closes_at = Letter.State.OPEN, None
    letter.full_clean()
    letter.save()
    text_cache.clear_cache()
    assert 'name="email"' in client.get("/").content.decode()


def test_a_text_that_is_published_meanwhile_does_not_open_it(letter: Letter) -> None:
    archive(letter)
    publish(revise(letter, "ko", {**WORDS, "title": "다리에 관한 편지"}))
    letter.refresh_from_db()
    assert letter.state == "archived"


def test_nobody_is_reminded_to_confirm_what_nobody_can_confirm_any_more(ben: Submission, inbox: Inbox) -> None:
    make_mail(ben, "ben@example.org", OutboxMail.Kind.REMINDER)
    archive(ben.letter)
    Letter.objects.update(closes_at=timezone.now() - 25 * HOUR)
    assert sending.send_due() == 0 and not OutboxMail.objects.exists()
    make_mail(ben, "ben@example.org", OutboxMail.Kind.REMINDER)
    Letter.objects.update(closes_at=timezone.now() - HOUR)
    assert sending.send_due() == 1
