"""Emails to staff: alarms, and to whom nothing is sent."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from signatures.models import OutboxMail, Submission
from signatures.outbox import queue, sending
from tests.inbox import Inbox

pytestmark = pytest.mark.django_db


def test_an_alarm_is_mailed_to_staff_with_its_sentence_and_a_link_to_the_admin_pages(olga: User, inbox: Inbox) -> None:
    assert queue.enqueue_for_staff([olga.pk], kind=OutboxMail.Kind.ALARM, topic="mail-stuck") == 1
    assert b"olga" not in bytes(OutboxMail.objects.get().recipient or b""), "sealed, as every other"

    assert sending.send_due() == 1

    body = inbox[0].get_body(("plain",))
    assert body is not None
    assert "Emails are not sent." in body.get_content() and "/admin/" in body.get_content()
    assert inbox[0]["Subject"] == "Please have a look" and inbox.recipients == ["olga@example.org"]
    assert OutboxMail.objects.get().recipient is None


def test_an_alarm_without_a_sentence_is_mailed_with_its_code(olga: User, inbox: Inbox) -> None:
    queue.enqueue_for_staff([olga.pk], kind=OutboxMail.Kind.ALARM, topic="new-one")
    sending.send_due()
    body = inbox[0].get_body(("plain",))
    assert body is not None and "new-one" in body.get_content()


def test_no_email_goes_to_an_account_that_has_no_address_is_inactive_or_does_not_exist(
    olga: User, moderator: User
) -> None:
    User.objects.filter(pk=olga.pk).update(is_active=False)
    assert queue.enqueue_for_staff([olga.pk, moderator.pk, 999_999], kind=OutboxMail.Kind.ALARM, topic="mail") == 0


def test_no_email_is_sent_to_an_account_that_was_deactivated_or_changed_its_address_meanwhile(
    olga: User, inbox: Inbox
) -> None:
    for change in ({"email": "new@example.org"}, {"email": "olga@example.org", "is_active": False}):
        User.objects.filter(pk=olga.pk).update(email="olga@example.org", is_active=True)
        queue.enqueue_for_staff([olga.pk], kind=OutboxMail.Kind.ALARM, topic="mail")
        User.objects.filter(pk=olga.pk).update(**change)
        assert sending.send_due() == 0
    assert not inbox and not OutboxMail.objects.exists()


def test_a_member_of_staff_gets_only_a_few_emails_of_one_kind_within_an_hour(olga: User) -> None:
    queued = [queue.enqueue_for_staff([olga.pk], kind=OutboxMail.Kind.ALARM, topic="mail") for _time in range(20)]
    assert sum(queued) == queue.MAX_PER_HOUR_TO_STAFF[OutboxMail.Kind.ALARM]
    OutboxMail.objects.update(queued_at=timezone.now() - timedelta(hours=2))
    assert queue.enqueue_for_staff([olga.pk], kind=OutboxMail.Kind.ALARM, topic="mail") == 1


@pytest.mark.parametrize("fields", [{}, {"kind": "link"}, {"kind": "alarm"}, {"kind": "alarm", "staff_id": 1}])
def test_the_database_refuses_an_email_to_both_or_to_nobody(ben: Submission, fields: dict[str, object]) -> None:
    both = {"signature_id": ben.pk, "staff_id": 1} if fields.get("staff_id") else {}
    whole = {"language": "en", "queued_at": timezone.now(), "due_at": timezone.now(), "kind": "link", **fields, **both}
    with pytest.raises(IntegrityError, match="mail_goes_to_a_signer_or_to_staff"), transaction.atomic():
        OutboxMail.objects.create(**whole)
