"""What a signer can do with the personal link: mend, change, erase, take the data along, say "not me", ask for it again."""

import json
import secrets
import time
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from campaign.models import Letter
from signatures import counts, transitions
from signatures.delivery import csv_export
from signatures.models import AuditEntry, OutboxMail, Signature, Submission, Suppression, Tombstone
from signatures.moderation import decisions
from signatures.outbox import sending
from signatures.registries import AuditAction
from signatures.signing import withdrawal
from signatures.states import State, Visibility
from signatures.values import sealing, tokens
from tests.factories import make_mail, make_signature, make_submission
from tests.inbox import Inbox

SIGN, MY_LINK = "/letters/bridge/sign/", "/letters/bridge/my-link/"
pytestmark = pytest.mark.django_db


def page_of(row: Signature | Submission) -> str:
    return f"/signature/{tokens.personal_token(row.public_id)}/"


def key_of(address: str) -> bytes:
    return sealing.address_hash(address, pepper=settings.EMAIL_HASH_PEPPER)


@pytest.fixture
def change(words: dict[str, str]) -> dict[str, str]:
    """Ada's words as they stand, in the form that changes them."""
    return {
        **words,
        "name": "Ada Lovelace",
        "role": "Countess",
        "organization": "Analytical Society",
        "country": "GB",
        "action": "change",
    }


# Changing


def test_changed_words_wait_again_and_the_old_ones_are_hidden_at_once(
    client: Client, ada: Signature, change: dict[str, str]
) -> None:
    answer = client.post(page_of(ada), {**change, "name": "Ada King"})

    assert (answer.status_code, answer["Location"]) == (303, page_of(ada))
    ada.refresh_from_db()
    assert (ada.name, ada.state, ada.approved_on) == ("Ada King", State.WAITING, None)
    assert not Signature.objects.public().exists()
    assert counts.for_letter(ada.letter_id).total == 1, "it counts on"
    entry = AuditEntry.objects.get(action="change")
    assert (entry.was, entry.now, entry.staff_id) == ("approved", "waiting", None)
    assert "Ada" not in str(entry.detail) + entry.reason


def test_a_changed_visibility_takes_effect_at_once_and_needs_no_review(
    client: Client, ada: Signature, change: dict[str, str]
) -> None:
    for visibility in ("delivery", "public"):
        client.post(page_of(ada), {**change, "visibility": visibility})
        ada.refresh_from_db()
        assert (ada.visibility, ada.state, ada.name) == (visibility, State.APPROVED, "Ada Lovelace")
        assert ada.approved_on is not None


def test_R14_to_counted_every_word_goes(client: Client, ada: Signature, change: dict[str, str]) -> None:
    client.post(page_of(ada), {**change, "visibility": "counted"})
    ada.refresh_from_db()
    assert (ada.state, ada.name, ada.role, ada.organization) == (State.APPROVED, "", "", "")
    assert counts.for_letter(ada.letter_id).counted_only == 1


def test_from_counted_to_another_visibility_a_name_is_required(
    client: Client, letter: Letter, change: dict[str, str]
) -> None:
    row = make_signature(letter, "", visibility=Visibility.COUNTED)

    answer = client.post(page_of(row), {**change, "name": ""})
    assert answer.status_code == 422
    assert "Please enter your name" in answer.content.decode()

    client.post(page_of(row), change)
    row.refresh_from_db()
    assert (row.state, row.name, row.visibility) == (State.WAITING, "Ada Lovelace", "public")


def test_a_wrong_change_keeps_what_was_typed_and_what_stands(
    client: Client, ada: Signature, change: dict[str, str]
) -> None:
    answer = client.post(page_of(ada), {**change, "name": "\u202eAda", "role": "typed anew"})
    assert answer.status_code == 422
    assert "typed anew" in answer.content.decode()
    ada.refresh_from_db()
    assert (ada.state, ada.role) == (State.APPROVED, "Countess")


def test_the_text_that_was_signed_stays(client: Client, ada: Signature, change: dict[str, str]) -> None:
    client.post(page_of(ada), {**change, "text": "0" * 64, "name": "Ada King"})
    ada.refresh_from_db()
    assert ada.name == "Ada King"
    assert ada.translation.digest != "0" * 64


def test_who_was_not_accepted_may_mend_the_words_and_is_looked_at_again(
    client: Client, letter: Letter, change: dict[str, str]
) -> None:
    Letter.objects.update(moderation="after")
    row = make_signature(letter, "Some Joke", State.REJECTED)
    client.post(page_of(row), change)
    row.refresh_from_db()
    assert (row.state, row.flags) == (State.WAITING, ["rejected-before"]), "and does not count until then"
    assert counts.for_letter(letter.pk).total == 0


def test_a_visibility_changed_after_a_rejection_changes_no_decision(
    client: Client, letter: Letter, change: dict[str, str]
) -> None:
    row = make_signature(letter, "Some Joke", State.REJECTED)
    for visibility in ("counted", "delivery"):
        client.post(
            page_of(row),
            {**change, "name": "Some Joke", "role": "", "organization": "", "country": "", "visibility": visibility},
        )
        row.refresh_from_db()
        assert counts.for_letter(letter.pk).total == 0


def test_where_names_appear_at_once_changed_words_do_as_well_unless_flagged(
    client: Client, ada: Signature, change: dict[str, str]
) -> None:
    Letter.objects.update(moderation="after")
    client.post(page_of(ada), {**change, "name": "Ada King"})
    ada.refresh_from_db()
    assert ada.state == State.APPROVED
    client.post(page_of(ada), {**change, "role": "see www.example.com"})
    ada.refresh_from_db()
    assert (ada.state, ada.flags) == (State.WAITING, ["link"])


def test_only_what_is_confirmed_can_be_changed(client: Client, letter: Letter, change: dict[str, str]) -> None:
    left, typed = make_signature(letter, "Ben", State.WITHDRAWN), make_submission(letter, "Ben")
    assert client.post(page_of(left), change).status_code == 303
    assert client.post(page_of(typed), change).status_code == 400, "its page has no such button"
    left.refresh_from_db()
    typed.refresh_from_db()
    assert (left.state, left.name, typed.name) == (State.WITHDRAWN, "", "Ben")


def test_A18_a_change_of_nothing_leaves_no_entry_however_often_it_is_sent(
    client: Client, ada: Signature, change: dict[str, str]
) -> None:
    for _time in range(300):
        client.post(page_of(ada), change)
    ada.refresh_from_db()
    assert ada.state == State.APPROVED and not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("order", "visibility", "state"),
    [
        ("name", "public", State.WAITING),
        ("country", "delivery", State.WAITING),
        ("name", "delivery", State.APPROVED),
    ],
)
def test_P16_another_country_waits_for_a_look_where_names_are_ordered_or_counted_by_it(
    client: Client, ada: Signature, change: dict[str, str], order: str, visibility: str, state: State
) -> None:
    Letter.objects.update(order=order)
    Signature.objects.update(visibility=visibility)
    client.post(page_of(ada), {**change, "visibility": visibility, "country": "KP"})
    ada.refresh_from_db()
    assert (ada.country, ada.state) == ("KP", state)


def test_P16_a_country_that_changed_while_it_stood_nowhere_waits_for_a_look_once_the_name_becomes_public(
    client: Client, ada: Signature, change: dict[str, str]
) -> None:
    def send(country: str, visibility: str) -> tuple[str, str, str]:
        client.post(page_of(ada), {**change, "visibility": visibility, "country": country})
        ada.refresh_from_db()
        return ada.state, ada.country, ada.visibility

    country = ada.country
    Signature.objects.update(visibility="delivery")
    assert send(country, "public") == (State.APPROVED, country, "public")
    assert send(country, "delivery") == (State.APPROVED, country, "delivery")
    assert send("KP", "delivery") == (State.APPROVED, "KP", "delivery")
    assert send("KP", "public") == (State.WAITING, "KP", "public")

    decisions.decide(AuditAction.APPROVE, Signature.objects.all(), by=1)
    assert send("KP", "delivery")[0] == State.APPROVED
    assert send("KP", "public")[0] == State.APPROVED, "it was seen"


def test_the_wish_for_updates_can_be_taken_back(client: Client, ada: Signature, change: dict[str, str]) -> None:
    sealed = sealing.seal("ada@example.org", public_key=settings.UPDATES_PUBLIC_KEY)
    Signature.objects.update(sealed_address=sealed)
    assert "no_updates" in client.get(page_of(ada)).content.decode()

    client.post(page_of(ada), change)
    ada.refresh_from_db()
    assert ada.sealed_address is not None, "saying nothing changes nothing"

    client.post(page_of(ada), {**change, "no_updates": "on"})
    ada.refresh_from_db()
    assert ada.sealed_address is None


def test_C0_a_wish_for_updates_that_somebody_else_typed_can_be_refused_while_confirming(
    client: Client, form: dict[str, str], words: dict[str, str]
) -> None:
    client.post(SIGN, {**form, "updates": "on"})
    client.post(page_of(Submission.objects.get()), {**words, "no_updates": "on", "action": "confirm"})
    row = Signature.objects.get()
    assert (row.state, row.sealed_address) == (State.WAITING, None)


# Erasing, and "this was not me"


@pytest.mark.parametrize("state", list(State))
def test_R8_erasing_leaves_no_row_and_no_mail_but_a_tombstone(client: Client, letter: Letter, state: State) -> None:
    row = make_signature(letter, "Ada Lovelace", state)
    make_mail(row, "ada@example.org", OutboxMail.Kind.LINKS)

    answer = client.post(page_of(row), {"action": "erase"})

    assert answer.status_code == 200
    assert "Your signature is erased" in answer.content.decode()
    assert not Signature.objects.exists() and not OutboxMail.objects.exists()
    stone = Tombstone.objects.get()
    assert (stone.letter_id, stone.kind, bytes(stone.address_hash or b"")) == (
        letter.pk,
        "person",
        bytes(row.address_hash or b""),
    )
    entry = AuditEntry.objects.get(action="erase")
    assert (entry.signature_id, entry.was, entry.now) == (row.pk, state, "erased")
    assert counts.for_letter(letter.pk).total == 0
    assert client.get(page_of(row)).status_code == 404


def test_who_erased_may_sign_again(client: Client, form: dict[str, str], words: dict[str, str]) -> None:
    client.post(SIGN, form)
    client.post(page_of(Submission.objects.get()), {**words, "action": "confirm"})
    client.post(page_of(Signature.objects.get()), {"action": "erase"})

    client.post(SIGN, form)

    client.post(page_of(Submission.objects.get()), {**words, "action": "confirm"})
    assert Signature.objects.get().state == State.WAITING


def test_S20_not_me_removes_the_row_and_stops_mail_for_thirty_days_not_for_ever(
    client: Client, form: dict[str, str], inbox: Inbox
) -> None:
    client.post(SIGN, form)
    answer = client.post(page_of(Submission.objects.get()), {"action": "not-me"})

    assert "for 30 days" in answer.content.decode()
    assert not Submission.objects.exists() and not OutboxMail.objects.exists()
    assert client.post(SIGN, form).status_code == 303, "the same answer"
    assert sending.send_due() == 0 and not OutboxMail.objects.exists()

    Suppression.objects.update(until=timezone.now())
    client.post(SIGN, form)
    assert sending.send_due() == 1 and inbox.recipients == ["dora@example.org"]


def test_erasing_twice_is_friendly(client: Client, ada: Signature) -> None:
    with pytest.raises(transitions.TransitionNotAllowed):
        for _time in range(2):
            withdrawal.erase(ada)


# The data


def test_the_data_are_all_that_is_stored_and_nothing_of_anybody_else(
    client: Client, ada: Signature, ben: Submission
) -> None:
    answer = client.post(page_of(ada), {"action": "data"})

    assert answer["Content-Disposition"] == 'attachment; filename="my-signature.json"'
    assert answer["Cache-Control"] == "no-store"
    data = json.loads(answer.content)
    assert (data["name"], data["role"], data["state"]) == ("Ada Lovelace", "Countess", "approved")
    assert data["text"]["sha256"] == ada.translation.digest
    assert "Ben" not in answer.content.decode()
    assert "flags" not in data


# Send me my link


def test_who_lost_the_mail_gets_the_link_again(
    client: Client, form: dict[str, str], link_in_mail: Callable[[], str]
) -> None:
    client.post(SIGN, form)
    first = link_in_mail()

    answer = client.post(MY_LINK, {"email": "Dora@example.org"})

    assert (answer.status_code, answer["Location"]) == (303, "/letters/bridge/my-link/sent/")
    assert link_in_mail() == first


def test_the_answer_is_the_same_for_a_stranger_who_gets_no_mail(client: Client, letter: Letter) -> None:
    make_signature(letter, "Dora", address_hash=key_of("dora@example.org"))
    known, stranger = (client.post(MY_LINK, {"email": f"{who}@example.org"}) for who in ("dora", "nobody"))
    assert (known.status_code, known.content, dict(known.items())) == (
        stranger.status_code,
        stranger.content,
        dict(stranger.items()),
    )
    assert OutboxMail.objects.count() == 1


def test_a_wrong_address_is_an_error_above_and_beside_the_field(client: Client, letter: Letter) -> None:
    answer = client.post(MY_LINK, {"email": "dora"})
    assert answer.status_code == 422
    assert '<li><a href="#id_email">Please enter an email address, such as' in answer.content.decode()
    assert answer.content.decode().count("Please enter an email address, such as") == 2
    assert client.get(MY_LINK).status_code == client.get("/letters/bridge/my-link/sent/").status_code == 200
    assert "Please enter your email address." in client.post(MY_LINK, {"email": ""}).content.decode()


# C5


@pytest.mark.parametrize("kind", ["made up", "cut off", "foreign", "%91", "erased"])
def test_C5_every_link_that_opens_nothing_has_one_calm_page(client: Client, ada: Signature, kind: str) -> None:
    token = tokens.personal_token(ada.public_id)
    withdrawal.erase(ada)
    path = {
        "made up": "0" * 32 + ".AAAA",
        "cut off": token[:-3],
        "foreign": token.split(".")[0] + ".foreign",
        "%91": "%91",
        "erased": token,
    }[kind]
    pages = {client.get(f"/signature/{each}/").content for each in (path, "x")}
    assert len(pages) == 1, "no oracle"
    assert b"Send me my link again" in pages.pop()


def test_C3_ten_thousand_guesses_open_nothing(ada: Signature) -> None:
    hits = 0
    for _time in range(10_000):
        try:
            tokens.read_personal_token(f"{ada.public_id.hex}.{secrets.token_urlsafe(32)}")
            hits += 1
        except tokens.InvalidToken:
            pass
    assert hits == 0
    assert len(tokens.personal_token(ada.public_id).split(".")[1]) >= 43, "256 bits"


@pytest.mark.parametrize("action", ["withdraw", "erase", "not-me", "change", "data", "confirm"])
@pytest.mark.parametrize("method", ["get", "head"])
def test_C11_no_address_with_an_action_in_it_acts_by_being_opened(
    client: Client, ada: Signature, action: str, method: str
) -> None:
    assert getattr(client, method)(f"{page_of(ada)}?action={action}").status_code == 200
    ada.refresh_from_db()
    assert (ada.state, ada.name) == (State.APPROVED, "Ada Lovelace")


# C12


def test_C12_a_name_taken_back_is_gone_from_page_list_api_and_export(
    client: Client, ada: Signature, letter: Letter, monkeypatch: Any
) -> None:
    def everywhere() -> bytes:
        list_csv = BytesIO()
        csv_export.write_list(letter, list_csv)
        paths = (
            "/",
            "/letters/bridge/",
            "/letters/bridge/signatories/",
            f"/letters/bridge/signatories/{ada.public_id}/",
        )
        return b"".join(client.get(path).content for path in paths) + list_csv.getvalue()

    assert everywhere().count(b"Ada Lovelace") > 3
    assert json.loads(client.get("/api/v1/letters/bridge/").content)["count"] == 1

    client.post(page_of(ada), {"action": "withdraw"})

    later = time.monotonic() + 60  # a minute later
    monkeypatch.setattr("campaign.web.middleware.time.monotonic", lambda: later)
    assert b"Ada Lovelace" not in everywhere()
    assert json.loads(client.get("/api/v1/letters/bridge/").content)["count"] == 0


def test_R9_a_signature_tells_which_text_was_agreed_to_in_which_language_and_when(
    client: Client, form: dict[str, str], words: dict[str, str]
) -> None:
    client.post(SIGN, form)
    client.post(page_of(Submission.objects.get()), {**words, "action": "confirm"})
    row = Signature.objects.get()
    assert (row.translation.digest, row.translation.revision.number, row.language) == (words["text"], 1, "en")
    assert row.confirmed_at is not None and timezone.now() - row.confirmed_at < timedelta(minutes=1)


def test_the_reminder_goes_once_after_two_days_and_not_to_who_confirmed(
    client: Client, form: dict[str, str], words: dict[str, str], inbox: Inbox
) -> None:
    client.post(SIGN, form)
    client.post(SIGN, {**form, "email": "eve@example.org", "name": "Eve"})
    sending.send_due()
    assert OutboxMail.objects.filter(kind="reminder").count() == 2
    sending.send_due()
    assert len(inbox) == 2, "not before its time"

    dora, eve = Submission.objects.order_by("pk")
    client.post(page_of(dora), {**words, "action": "confirm"})
    assert not OutboxMail.objects.filter(kind="reminder", signature_id=dora.pk).exists()
    OutboxMail.objects.filter(kind="reminder").update(due_at=timezone.now())
    OutboxMail.objects.filter(kind="link").update(sent_at=timezone.now() - timedelta(days=2))
    sending.send_due()

    assert inbox.recipients[2:] == ["eve@example.org"]
    body = inbox[-1].get_body(("plain",))
    assert body is not None and page_of(eve) in body.get_content() and "This is our only reminder" in body.get_content()
    assert sending.send_due() == 0


def test_no_reminder_follows_on_the_heels_of_another_mail(client: Client, form: dict[str, str], inbox: Inbox) -> None:
    client.post(SIGN, form)
    sending.send_due()
    OutboxMail.objects.filter(kind="reminder").update(due_at=timezone.now())
    assert sending.send_due() == 0
    assert not OutboxMail.objects.filter(kind="reminder").exists()
