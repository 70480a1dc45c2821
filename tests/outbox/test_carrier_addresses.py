"""Emails to addresses whose dots break RFC 5321 are quoted: a server that holds to it, as the one here, takes them."""

from typing import Any

import pytest
from django.test import Client

from campaign.models import Letter
from signatures.models import OutboxMail
from signatures.outbox import sending
from tests.inbox import Inbox

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("local", ["a..b", "ab.", "a...b.."])
def test_the_mail_reaches_the_mailbox_of_a_carrier(
    client: Client, letter: Letter, form: dict[str, str], inbox: Inbox, local: str
) -> None:
    client.post(f"/letters/{letter.slug}/sign/", {**form, "email": f"{local}@docomo.ne.jp"})

    assert sending.send_due() == 1

    assert inbox.recipients == [f"{local}@docomo.ne.jp"]
    assert dict(inbox[0].raw_items())["To"] == f'"{local}"@docomo.ne.jp'
    assert inbox[0]["To"].addresses[0].username == local


def test_quotes_make_no_second_mailbox(client: Client, letter: Letter, form: dict[str, str], inbox: Inbox) -> None:
    for typed in ("a..b@docomo.ne.jp", '"a..b"@DoCoMo.ne.jp', "<a..b＠docomo．ne．jp>,"):
        client.post(f"/letters/{letter.slug}/sign/", {**form, "email": typed})
    assert OutboxMail.objects.values("mailbox").distinct().count() == 1


def test_all_other_addresses_go_without_quotes(
    client: Client, letter: Letter, form: dict[str, Any], inbox: Inbox
) -> None:
    client.post(f"/letters/{letter.slug}/sign/", {**form, "email": "mailto:o'brien+x@example.org."})
    sending.send_due()
    assert inbox.recipients == ["o'brien+x@example.org"]
    assert str(inbox[0]["To"]) == "o'brien+x@example.org"
