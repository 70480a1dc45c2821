"""Staff are written to through the outbox."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from signatures import post
from signatures.models import Mail, Signature
from tests.conftest import Inbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def olga(db: None) -> User:
    """A member of staff with an address."""
    return User.objects.create_user("olga", "olga@example.org", "a long enough password", is_staff=True)


def test_an_alarm_reaches_staff_with_its_sentence_and_the_way_to_the_desk(olga: User, inbox: Inbox) -> None:
    assert post.queue_for_staff([olga.pk], kind=Mail.Kind.ALARM, topic="mail-stuck") == 1
    assert b"olga" not in bytes(Mail.objects.get().recipient or b""), "sealed, as every other"

    assert post.drain() == 1

    body = inbox[0].get_body(("plain",))
    assert body is not None
    assert "Mails do not go out." in body.get_content() and "/admin/" in body.get_content()
    assert inbox[0]["Subject"] == "Please have a look" and inbox.recipients == ["olga@example.org"]
    assert Mail.objects.get().recipient is None


def test_an_alarm_without_a_sentence_is_told_by_its_code(olga: User, inbox: Inbox) -> None:
    post.queue_for_staff([olga.pk], kind=Mail.Kind.ALARM, topic="new-one")
    post.drain()
    body = inbox[0].get_body(("plain",))
    assert body is not None and "new-one" in body.get_content()


def test_nobody_is_written_to_who_has_no_address_is_closed_or_does_not_exist(olga: User, mod: User) -> None:
    User.objects.filter(pk=olga.pk).update(is_active=False)
    assert post.queue_for_staff([olga.pk, mod.pk, 999_999], kind=Mail.Kind.ALARM, topic="mail") == 0


def test_a_mail_goes_to_no_account_that_was_closed_or_moved_meanwhile(olga: User, inbox: Inbox) -> None:
    for change in ({"email": "new@example.org"}, {"email": "olga@example.org", "is_active": False}):
        User.objects.filter(pk=olga.pk).update(email="olga@example.org", is_active=True)
        post.queue_for_staff([olga.pk], kind=Mail.Kind.ALARM, topic="mail")
        User.objects.filter(pk=olga.pk).update(**change)
        assert post.drain() == 0
    assert not inbox and not Mail.objects.exists()


def test_no_member_of_staff_gets_more_than_a_few_mails_of_a_kind_in_an_hour(olga: User) -> None:
    queued = [post.queue_for_staff([olga.pk], kind=Mail.Kind.ALARM, topic="mail") for _time in range(20)]
    assert sum(queued) == post.TO_STAFF[Mail.Kind.ALARM]
    Mail.objects.update(queued_at=timezone.now() - timedelta(hours=2))
    assert post.queue_for_staff([olga.pk], kind=Mail.Kind.ALARM, topic="mail") == 1


@pytest.mark.parametrize("fields", [{}, {"kind": "link"}, {"kind": "alarm"}, {"kind": "alarm", "staff_id": 1}])
def test_the_database_takes_no_mail_to_both_or_to_nobody(ben: Signature, fields: dict[str, object]) -> None:
    both = {"signature": ben, "staff_id": 1} if fields.get("staff_id") else {}
    whole = {"language": "en", "queued_at": timezone.now(), "due_at": timezone.now(), "kind": "link", **fields, **both}
    with pytest.raises(IntegrityError, match="mail_goes_to_a_signer_or_to_staff"), transaction.atomic():
        Mail.objects.create(**whole)
