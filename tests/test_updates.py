"""Those who asked hear what became of the letter, once, and can end it by one press."""

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
from signatures import links, mailboxes, post, updates, workflow
from signatures.delivery import freezing
from signatures.models import Delivery, Mail, Signature, State, TrailEntry
from tests.conftest import Inbox
from tests.makers import make_signature

pytestmark = pytest.mark.django_db(transaction=True)
KEEPER = PrivateKey.generate()


def wants_updates(letter: Letter, name: str, address: str, state: State = State.APPROVED, **fields: Any) -> Signature:
    sealed = mailboxes.seal(address, public_key=KEEPER.public_key.encode(HexEncoder).decode())
    return make_signature(letter, name, state, sealed_address=sealed, **fields)


@pytest.fixture
def dora(letter: Letter) -> Signature:
    return wants_updates(letter, "Dora Maar", "dora@example.org")


@pytest.fixture
def handed_over(dora: Signature, ada: Signature) -> Delivery:
    """Delivered with Ada, who asked for nothing, and Dora, who did."""
    delivery = freezing.freeze(dora.letter, by=None, reason="the hearing")
    Delivery.objects.update(state="ready", root="ab" * 32)
    return freezing.hand_over(delivery, by=None, on=date(2026, 5, 7), to="The embassy")


def test_who_asked_is_told_once_that_it_was_handed_over(handed_over: Delivery, inbox: Inbox) -> None:
    assert updates.mail_updates(KEEPER) == 1
    assert updates.mail_updates(KEEPER) == 0
    post.drain()

    (mail,) = inbox
    assert mail["To"] == "dora@example.org" and "Xi" not in mail["Subject"]
    body = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "handed over on May 7, 2026" in body and f"/deliveries/bridge/{handed_over.number}/" in body
    assert "Dora" not in mail.as_string()
    assert not Mail.objects.exclude(recipient=None).exists()
    assert TrailEntry.objects.get(action="mail-updates").detail["number"] == 1


def test_the_acknowledgement_is_a_news_of_its_own(handed_over: Delivery, inbox: Inbox) -> None:
    updates.mail_updates(KEEPER)
    freezing.acknowledge(handed_over, by=None, on=date(2026, 5, 9))
    assert updates.mail_updates(KEEPER) == 1
    post.drain()
    assert "acknowledged on the recipient’s side on May 9, 2026" in inbox[-1].get_body(("plain",)).get_content()  # type: ignore[union-attr]


@pytest.mark.parametrize("state", [State.UNCONFIRMED, State.REJECTED])
def test_who_is_not_part_of_it_is_not_told(handed_over: Delivery, state: State) -> None:
    wants_updates(handed_over.letter, "Other", "other@example.org", state)
    assert updates.mail_updates(KEEPER) == 1


def test_nothing_is_told_before_it_is_handed_over(dora: Signature) -> None:
    freezing.freeze(dora.letter, by=None, reason="the hearing")
    assert updates.mail_updates(KEEPER) == 0


def test_more_than_one_batch_is_told(handed_over: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updates, "BATCH", 2)
    for n in range(4):
        wants_updates(handed_over.letter, f"Other {n}", f"o{n}@example.org")
    assert updates.mail_updates(KEEPER) == 5


def leave_by(inbox: Inbox) -> str:
    updates.mail_updates(KEEPER)
    post.drain()
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
    assert "Send me no more" in client.get(path).content.decode()
    dora.refresh_from_db()
    assert dora.sealed_address is not None
    assert "You get no mails" in client.post(path).content.decode()
    assert "You get no mails" in client.post(path).content.decode()
    assert TrailEntry.objects.filter(action="end-updates").count() == 1


def test_the_link_can_do_nothing_else(dora: Signature, client: Client) -> None:
    token = links.leaving_token(dora.public_id)
    assert client.get(f"/signature/{token}/").status_code == 404
    assert client.get(f"/no-updates/{links.token(dora.public_id)}/").status_code == 404
    assert client.post("/no-updates/nonsense/").status_code == 404


def test_what_is_queued_does_not_go_once_it_is_unwanted(handed_over: Delivery, dora: Signature, inbox: Inbox) -> None:
    updates.mail_updates(KEEPER)
    workflow.end_updates(dora)
    post.drain()
    assert not inbox and not Mail.objects.filter(kind="update").exists()


def test_updates_do_not_use_up_the_mails_with_the_link(
    handed_over: Delivery, dora: Signature, inbox: Inbox, client: Client
) -> None:
    for n in range(5):
        post.queue_updates({dora.pk: "dora@example.org"}, topic=f"delivery.{handed_over.pk}.{n}")
    Signature.objects.filter(pk=dora.pk).update(
        mailbox_key=mailboxes.key("dora@example.org", pepper=settings.MAILBOX_PEPPER)
    )
    client.post("/letters/bridge/my-link/", {"email": "dora@example.org"})
    post.drain()
    assert len(inbox) == 6


def test_the_command_says_how_many_and_what_is_wrong_with_the_key(handed_over: Delivery, tmp_path: Path) -> None:
    file = tmp_path / "keeper"
    file.write_text(KEEPER.encode(HexEncoder).decode())
    call_command("mail_updates", key=file)
    assert Mail.objects.filter(kind="update").count() == 1
    for words, sentence in (
        ("zz", "64 hexadecimal"),
        (PrivateKey.generate().encode(HexEncoder).decode(), "not the key"),
    ):
        file.write_text(words)
        Mail.objects.filter(kind="update").delete()
        with pytest.raises(CommandError, match=sentence):
            call_command("mail_updates", key=file)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("mail_updates", key=tmp_path / "none")
