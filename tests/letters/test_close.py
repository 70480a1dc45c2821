"""Opening and closing: by hand and by time. Sign-ups can be confirmed for 24 hours after closing."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from campaign.models import Letter
from signatures.models import Signature, Submission
from signatures.states import State
from signatures.values import tokens
from tests.factories import make_letter

SIGN = "/letters/bridge/sign/"
HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


def test_before_its_opening_time_a_letter_can_be_read_and_says_when_it_opens(
    client: Client, letter: Letter, form: dict[str, str]
) -> None:
    opens_at = timezone.now() + 2 * HOUR
    Letter.objects.update(opens_at=opens_at)

    page = client.get("/letters/bridge/").content.decode()
    assert "We ask for" in page and "Signing begins on" in page
    assert client.post(SIGN, form).status_code == 422
    assert client.get("/api/v1/letters/bridge/").json()["state"] == "paused"


def test_a_letter_opens_at_its_opening_time(client: Client, letter: Letter, form: dict[str, str]) -> None:
    Letter.objects.update(opens_at=timezone.now() - HOUR, closes_at=timezone.now() + HOUR)
    assert client.post(SIGN, form).status_code == 303


def test_a_letter_closes_at_its_closing_time(client: Client, letter: Letter, form: dict[str, str]) -> None:
    Letter.objects.update(closes_at=timezone.now() - HOUR)

    answer = client.post(SIGN, form)

    assert answer.status_code == 422
    page = answer.content.decode()
    assert (
        "Signing has ended" in page
        and "The last day to sign was" in page
        and "Sign the letter" not in page
        and "can still confirm for 24 hours" in page
    )
    assert client.get("/api/v1/letters/bridge/").json()["state"] == "closed"
    assert not Signature.objects.exists()


@pytest.mark.parametrize(("since", "counts"), [(timedelta(hours=23), True), (timedelta(hours=25), False)])
def test_C7_confirmations_count_up_to_24_hours_after_closing(
    client: Client, ben: Submission, words: dict[str, str], since: timedelta, counts: bool
) -> None:
    Letter.objects.update(closes_at=timezone.now() - since)
    page = f"/signature/{tokens.personal_token(ben.public_id)}/"

    assert client.post(page, {**words, "action": "confirm"}).status_code == 303

    assert Signature.objects.filter(pk=ben.pk, state=State.WAITING).exists() == counts
    if not counts:
        assert "The letter is closed" in client.get(page).content.decode()
        assert client.post(page, {"action": "erase"}).status_code == 200


def test_closing_by_hand_starts_the_24_hours_to_confirm(ben: Submission, letter: Letter) -> None:
    letter.state = Letter.State.CLOSED
    letter.save()
    assert letter.closes_at is not None
    assert letter.takes_confirmations()
    assert not letter.takes_confirmations(letter.closes_at + 24 * HOUR)


def test_while_paused_nobody_can_sign_and_earlier_sign_ups_can_be_confirmed(
    client: Client, ben: Submission, form: dict[str, str], words: dict[str, str]
) -> None:
    Letter.objects.update(state="paused")
    assert client.post(SIGN, form).status_code == 422
    client.post(f"/signature/{tokens.personal_token(ben.public_id)}/", {**words, "action": "confirm"})
    assert Signature.objects.get(pk=ben.pk).state == State.WAITING


def test_the_home_page_shows_an_open_letter_rather_than_a_closed_one(letter: Letter) -> None:
    newer = make_letter("newer", closes_at=timezone.now() - HOUR)
    assert newer.created_at > letter.created_at
    assert Letter.objects.current() == letter


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"opens_at": timezone.now() + HOUR, "closes_at": timezone.now()}, "It cannot close before it opens."),
        ({"closes_at": timezone.now() - HOUR}, "To open the letter again, give a later time or none."),
    ],
)
def test_contradictory_times_are_refused(letter: Letter, fields: dict[str, Any], message: str) -> None:
    for field, value in fields.items():
        setattr(letter, field, value)
    with pytest.raises(ValidationError, match=message):
        letter.full_clean()
