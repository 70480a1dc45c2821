"""Subscribers get each update once, in their language."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from nacl.encoding import HexEncoder
from nacl.public import PrivateKey

from campaign.models import Letter
from signatures.delivery import freezing
from signatures.models import AuditEntry, Delivery, OutboxMail, Signature
from signatures.outbox import queue, sending, subscriptions
from signatures.signing import withdrawal
from signatures.states import State
from signatures.values import sealing, tokens
from tests.delivery.factories import day_of, shown_day_of
from tests.factories import make_signature
from tests.inbox import Inbox

pytestmark = pytest.mark.django_db(transaction=True)
UPDATES_KEY = PrivateKey.generate()


def wants_updates(letter: Letter, name: str, address: str, state: State = State.APPROVED, **fields: Any) -> Signature:
    sealed = sealing.seal(address, public_key=UPDATES_KEY.public_key.encode(HexEncoder).decode())
    return make_signature(letter, name, state, sealed_address=sealed, **fields)


@pytest.fixture
def dora(letter: Letter) -> Signature:
    return wants_updates(letter, "Dora Maar", "dora@example.org")


@pytest.fixture
def handed_over(dora: Signature, ada: Signature) -> Delivery:
    """Delivered with Ada, who asked for nothing, and Dora, who did."""
    delivery = freezing.freeze(dora.letter, by=None, reason="the hearing")
    Delivery.objects.update(state="ready", root="ab" * 32)
    return freezing.hand_over(delivery, by=None, on=day_of(delivery), to="The embassy")


def test_subscribers_get_one_mail_when_the_letter_is_handed_over(handed_over: Delivery, inbox: Inbox) -> None:
    assert subscriptions.queue_updates([UPDATES_KEY]) == 1
    assert subscriptions.queue_updates([UPDATES_KEY]) == 0
    sending.send_due()

    (mail,) = inbox
    assert mail["To"] == "dora@example.org" and "Xi" not in mail["Subject"]
    body = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]  # each email has a plain part
    assert f"handed over on {shown_day_of(handed_over)}" in body and f"/deliveries/bridge/{handed_over.number}/" in body
    assert "Dora" not in mail.as_string()
    assert not OutboxMail.objects.exclude(recipient=None).exists()
    assert AuditEntry.objects.get(action="queue-updates").detail["number"] == 1


def test_the_acknowledgement_is_a_second_mail(handed_over: Delivery, inbox: Inbox) -> None:
    subscriptions.queue_updates([UPDATES_KEY])
    freezing.acknowledge(handed_over, by=None, on=day_of(handed_over))
    assert subscriptions.queue_updates([UPDATES_KEY]) == 1
    sending.send_due()
    body = inbox[-1].get_body(("plain",)).get_content()  # type: ignore[union-attr]  # each email has a plain part
    assert f"acknowledged on the recipient’s side on {shown_day_of(handed_over)}" in body


@pytest.mark.parametrize("state", [State.WITHDRAWN, State.REJECTED])
def test_a_signer_who_is_not_in_the_delivery_gets_no_mail(handed_over: Delivery, state: State) -> None:
    wants_updates(handed_over.letter, "Other", "other@example.org", state)
    assert subscriptions.queue_updates([UPDATES_KEY]) == 1


def test_no_mail_is_queued_before_the_letter_is_handed_over(dora: Signature) -> None:
    freezing.freeze(dora.letter, by=None, reason="the hearing")
    assert subscriptions.queue_updates([UPDATES_KEY]) == 0


@pytest.mark.parametrize("state", [State.WAITING, State.APPROVED])
def test_who_still_waits_or_signed_later_is_not_told_to_check_a_delivery_without_them(
    dora: Signature, inbox: Inbox, state: State
) -> None:
    waiting = wants_updates(dora.letter, "Kim", "kim@example.org", State.WAITING)
    delivery = freezing.freeze(dora.letter, by=None, reason="the hearing")
    Delivery.objects.update(state="ready", root="ab" * 32)
    freezing.hand_over(delivery, by=None, on=day_of(delivery), to="The embassy")
    if state == State.APPROVED:
        Signature.objects.filter(pk=waiting.pk).update(state=state, approved_on=date(2026, 5, 8))
    assert subscriptions.queue_updates([UPDATES_KEY]) == 1
    sending.send_due()
    assert inbox.recipients == ["dora@example.org"]


def test_more_than_one_batch_is_queued(dora: Signature, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "BATCH", 2)
    for n in range(4):
        wants_updates(dora.letter, f"Other {n}", f"o{n}@example.org")
    delivery = freezing.freeze(dora.letter, by=None, reason="the hearing")
    Delivery.objects.update(state="ready", root="ab" * 32)
    freezing.hand_over(delivery, by=None, on=day_of(delivery), to="The embassy")
    assert subscriptions.queue_updates([UPDATES_KEY]) == 5


def leave_by(inbox: Inbox) -> str:
    subscriptions.queue_updates([UPDATES_KEY])
    sending.send_due()
    mail = inbox[-1]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.fullmatch(r"<http://localhost:8000(/\S+)>", re.sub(r"\s", "", mail["List-Unsubscribe"]))
    assert found is not None
    return found[1]


@pytest.mark.parametrize("site", ["cross-site", "none", None])
def test_one_press_in_the_mail_program_ends_it_wherever_it_comes_from(
    handed_over: Delivery, dora: Signature, inbox: Inbox, client: Client, site: str | None
) -> None:
    headers = {"Sec-Fetch-Site": site, "Origin": "https://mail.example"} if site else {}
    path = leave_by(inbox)
    answer = client.post(path, {"List-Unsubscribe": "One-Click"}, headers=headers)
    assert answer.status_code == 200
    dora.refresh_from_db()
    assert (dora.sealed_address, dora.state) == (None, State.APPROVED)


def test_C11_opening_the_link_changes_nothing_and_shows_one_button(
    handed_over: Delivery, dora: Signature, inbox: Inbox, client: Client
) -> None:
    path = leave_by(inbox)
    for ask in (client.get, client.head):
        assert ask(path).status_code == 200
    assert "Stop these emails" in client.get(path).content.decode()
    dora.refresh_from_db()
    assert dora.sealed_address is not None
    assert "You get no emails" in client.post(path).content.decode()
    assert "You get no emails" in client.post(path).content.decode()
    assert AuditEntry.objects.filter(action="end-updates").count() == 1


def test_R13_ending_updates_leaves_the_address_for_a_question(dora: Signature) -> None:
    Signature.objects.update(state="waiting", approved_on=None, question_address=b"sealed")
    withdrawal.unsubscribe(dora)
    dora.refresh_from_db()
    assert dora.sealed_address is None and dora.question_address is not None


def test_the_link_can_do_nothing_else(dora: Signature, client: Client) -> None:
    token = tokens.unsubscribe_token(dora.public_id)
    assert client.get(f"/signature/{token}/").status_code == 404
    assert client.get(f"/no-updates/{tokens.personal_token(dora.public_id)}/").status_code == 404
    assert client.post("/no-updates/nonsense/").status_code == 404


def test_a_queued_update_is_not_sent_after_unsubscribing(handed_over: Delivery, dora: Signature, inbox: Inbox) -> None:
    subscriptions.queue_updates([UPDATES_KEY])
    withdrawal.unsubscribe(dora)
    sending.send_due()
    assert not inbox and not OutboxMail.objects.filter(kind="update").exists()


def test_updates_do_not_use_up_the_mails_with_the_link(
    handed_over: Delivery, dora: Signature, inbox: Inbox, client: Client
) -> None:
    for n in range(5):
        queue.enqueue_updates({dora.pk: "dora@example.org"}, topic=f"delivery.{handed_over.pk}.{n}")
    Signature.objects.filter(pk=dora.pk).update(
        address_hash=sealing.address_hash("dora@example.org", pepper=settings.EMAIL_HASH_PEPPER)
    )
    client.post("/letters/bridge/my-link/", {"email": "dora@example.org"})
    sending.send_due()
    assert len(inbox) == 6


def test_the_command_says_how_many_and_what_is_wrong_with_the_key(
    handed_over: Delivery, tmp_path: Path, settings: Any
) -> None:
    settings.UPDATES_PUBLIC_KEYS = [UPDATES_KEY.public_key.encode(HexEncoder).decode()]
    file = tmp_path / "updates"
    file.write_text(UPDATES_KEY.encode(HexEncoder).decode())
    call_command("queue_updates", key=file)
    assert OutboxMail.objects.filter(kind="update").count() == 1
    for words, sentence in (
        ("zz", "64 hexadecimal"),
        (PrivateKey.generate().encode(HexEncoder).decode(), "not the key"),
    ):
        file.write_text(words)
        OutboxMail.objects.filter(kind="update").delete()
        with pytest.raises(CommandError, match=sentence):
            call_command("queue_updates", key=file)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("queue_updates", key=tmp_path / "none")
