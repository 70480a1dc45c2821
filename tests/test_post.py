"""The outbox: mails go once, over one connection, and survive a mail server that does not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as live_settings
from django.core.mail import mailers
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from campaign.models import Letter
from signatures import mailboxes, post
from signatures.models import Mail, Signature, State
from tests.conftest import Inbox
from tests.makers import make_signature

pytestmark = pytest.mark.django_db


@transaction.atomic
def queue(signature: Signature, address: str = "ben@example.org") -> Mail:
    post.queue([signature.pk], language="en", address=address)
    return Mail.objects.get(signature=signature)


def test_a_sent_mail_forgets_its_recipient(ben: Signature, inbox: Inbox) -> None:
    mail = queue(ben)

    assert post.drain() == 1

    mail.refresh_from_db()
    assert (mail.recipient, mail.failure, mail.attempts) == (None, "", 1)
    assert mail.sent_at is not None
    assert inbox.recipients == ["ben@example.org"]
    assert post.drain() == 0, "nothing is sent twice"


def test_who_signed_before_is_told_so(ada: Signature, inbox: Inbox) -> None:
    queue(ada)
    post.drain()
    body = inbox[0].get_body(("plain",))
    assert body is not None and "This is the link to your page." in body.get_content()


def test_links_lead_to_the_site_whatever_host_was_asked(
    client: Client, form: dict[str, str], link_in_mail: Callable[[], str], settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["evil.example", "testserver"]
    client.post("/letters/bridge/sign/", form, headers={"host": "evil.example"})
    assert link_in_mail().startswith("/signature/")


@pytest.mark.parametrize(("answer", "is_final"), [("451 try later", False), ("550 no such user", True)])
def test_a_refusal_is_tried_again_unless_it_is_final(ben: Signature, inbox: Inbox, answer: str, is_final: bool) -> None:
    mail = queue(ben)
    inbox.answer = answer

    assert post.drain() == 0

    mail.refresh_from_db()
    assert (mail.recipient is None) == is_final
    assert mail.sent_at is None
    assert answer[:3] in mail.failure
    assert "ben@" not in mail.failure
    if not is_final:
        assert mail.due_at > timezone.now()
        inbox.answer = "250 OK"
        Mail.objects.update(due_at=timezone.now())
        assert post.drain() == 1


def test_a_server_that_is_down_loses_nothing(ben: Signature, settings: Any) -> None:
    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {"host": "127.0.0.1", "port": 9, "timeout": 1},
        }
    }
    mail = queue(ben)

    for attempt in range(1, 4):
        Mail.objects.update(due_at=timezone.now())
        assert post.drain() == 0
        mail.refresh_from_db()
        assert (mail.attempts, mail.failure) == (attempt, "unreachable: ConnectionRefusedError")
    assert mail.recipient is not None
    assert mail.due_at - timezone.now() > timedelta(minutes=3), "the waits double"


def test_after_three_days_it_gives_up_and_forgets_the_recipient(ben: Signature, inbox: Inbox) -> None:
    mail = queue(ben)
    Mail.objects.update(attempts=post.GIVE_UP - 1)
    inbox.answer = "451 try later"
    post.drain()
    mail.refresh_from_db()
    assert (mail.recipient, mail.sent_at) == (None, None)


def test_a_mail_sealed_to_another_key_stops_nobody(letter: Letter, ben: Signature, inbox: Inbox) -> None:
    mail = queue(ben)
    Mail.objects.update(recipient=mailboxes.seal("ben@example.org", public_key=live_settings.KEEPER_PUBLIC_KEY))
    queue(make_signature(letter, "Next", State.UNCONFIRMED), "next@example.org")

    assert post.drain() == 1

    mail.refresh_from_db()
    assert mail.failure == "final: sealed to another key"
    assert inbox.recipients == ["next@example.org"]


def test_many_mails_go_over_one_connection(letter: Letter, inbox: Inbox, monkeypatch: Any) -> None:
    opened = []
    connect = type(mailers.create_connection("default")).open
    monkeypatch.setattr(
        type(mailers.create_connection("default")),
        "open",
        lambda self: opened.append(result := connect(self)) or result,
    )
    for n in range(20):
        queue(make_signature(letter, f"Signer {n}", State.UNCONFIRMED), f"n{n}@example.org")

    assert post.drain() == 20

    assert len(inbox) == 20
    assert opened.count(True) == 1


@pytest.mark.django_db(transaction=True)
def test_O1_a_worker_that_dies_before_it_marks_a_mail_leaves_it_due(
    ben: Signature, inbox: Inbox, monkeypatch: Any
) -> None:
    mail = queue(ben)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE signatures_mail ADD CONSTRAINT dies CHECK (sent_at IS NULL)")
    try:
        with pytest.raises(Exception, match="dies"):
            post.drain()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE signatures_mail DROP CONSTRAINT dies")

    assert post.drain() == 1, "it is due again by itself"
    mail.refresh_from_db()
    assert mail.recipient is None
    assert len(inbox) == 2, "at least once"


def test_two_workers_share_the_outbox(letter: Letter, inbox: Inbox) -> None:
    for n in range(5):
        queue(make_signature(letter, f"Signer {n}", State.UNCONFIRMED), f"n{n}@example.org")
    assert post.drain(limit=2) + post.drain() == 5
    assert sorted(inbox.recipients) == [f"n{n}@example.org" for n in range(5)]


def test_S12_no_name_reaches_a_header(ben: Signature, inbox: Inbox) -> None:
    Signature.objects.update(name="Ben Bcc: evil@example.org")
    queue(ben)
    post.drain()
    assert "evil" not in inbox[0].as_string()
    assert inbox[0]["Message-ID"].endswith("@localhost>"), "the host of SITE_URL"
    assert set(inbox[0].keys()) >= {"From", "To", "Subject", "Date", "Message-ID"}
