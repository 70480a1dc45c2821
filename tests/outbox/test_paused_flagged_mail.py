"""While staff pause the emails to flagged sign-ups, those wait and all others are sent. None is lost."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from campaign.models import Letter
from signatures.models import OutboxMail, Submission
from signatures.moderation import switches
from signatures.monitoring import alarms
from signatures.outbox import queue, sending
from signatures.registries import AlarmCode
from tests.factories import make_mail, make_signature
from tests.inbox import Inbox

SIGN = "/letters/bridge/sign/"
pytestmark = pytest.mark.django_db
OLGA = 1


def sign_up(client: Client, form: dict[str, str], name: str, **fields: str) -> None:
    client.post(SIGN, {**form, "name": name, "email": f"{name.lower()}@example.org", **fields})


def test_S40_emails_to_flagged_sign_ups_wait_while_they_are_paused_and_go_when_that_ends(
    client: Client, form: dict[str, str], inbox: Inbox
) -> None:
    sign_up(client, form, "Flagged", website="http://spam.example")
    sign_up(client, form, "Honest")
    switches.pause_flagged_mail(by=OLGA)

    assert sending.send_due() == 1

    assert inbox.recipients == ["honest@example.org"]
    waiting = OutboxMail.objects.get(kind="link", sent_at__isnull=True)
    assert waiting.recipient is not None and waiting.attempts == 0
    sign_up(client, form, "Later")
    assert sending.send_due() == 1, "who comes later does not wait behind it"

    switches.resume_flagged_mail(by=OLGA)
    assert sending.send_due() == 1
    assert inbox.recipients == ["honest@example.org", "later@example.org", "flagged@example.org"]


def test_S40_emails_to_staff_and_personal_links_go_while_flagged_ones_are_paused(
    letter: Letter, client: Client, form: dict[str, str], inbox: Inbox, moderator: User
) -> None:
    User.objects.filter(pk=moderator.pk).update(email="mo@example.org")
    signature = make_signature(letter, "Ada")
    sign_up(client, form, "Flagged", website="http://spam.example")
    switches.pause_flagged_mail(by=OLGA)
    queue.enqueue_for_staff([moderator.pk], kind=OutboxMail.Kind.ALARM, topic="rise")
    make_mail(signature, "ada@example.org", OutboxMail.Kind.LINKS)

    sending.send_due()

    assert sorted(inbox.recipients) == ["ada@example.org", "mo@example.org"]
    assert Submission.objects.get().flags == ["trap"]


def test_emails_that_staff_paused_are_not_reported_as_stuck(client: Client, form: dict[str, str]) -> None:
    sign_up(client, form, "Flagged", website="http://spam.example")
    OutboxMail.objects.update(due_at=timezone.now() - timedelta(hours=1))
    switches.pause_flagged_mail(by=OLGA)
    assert alarms.check() == []

    switches.resume_flagged_mail(by=OLGA)
    assert alarms.check() == [], "they wait for the email service only from now on"
    OutboxMail.objects.update(waiting_since=timezone.now() - timedelta(minutes=31))
    assert alarms.check() == [AlarmCode.MAIL_STUCK]
