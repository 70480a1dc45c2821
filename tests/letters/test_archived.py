"""An archived letter is off the index and the front page and takes no signatures; what people have of it keeps working."""

from datetime import timedelta

import pytest
from django.test import Client
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
from tests.factories import WORDS, make_letter, make_mail
from tests.inbox import Inbox

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


def test_without_another_letter_the_front_page_is_empty(client: Client, letter: Letter) -> None:
    archive(letter)
    assert client.get("/").status_code == 404


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
