"""An owner resets the second factor of a colleague; a second owner confirms it, where there is one."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client

from signatures.models import AuditEntry, FactorReset, OutboxMail
from signatures.outbox import sending
from signatures.staff import second_factor, sessions
from tests.conftest import PASSWORD
from tests.inbox import Inbox
from tests.staff.test_second_factor import code_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def locked_out(olga: User) -> User:
    """Olga has a second factor, and lost it."""
    key = second_factor.new_totp_key()
    second_factor.enroll(olga, key, code_of(key), keep_session=None)
    return olga


@pytest.fixture
def second_owner(owner: User) -> User:
    person = User.objects.create_user("zoe", "zoe@example.org", PASSWORD, is_staff=True)
    person.groups.set(owner.groups.all())
    return person


def press(by: User, person: User) -> Any:
    client = Client()
    client.force_login(by)
    address = f"/admin/auth/user/{person.pk}/reset-second-factor/"
    assert client.get(address).status_code in {200, 403}
    return client.post(address, follow=True)


def test_a_single_owner_resets_it_at_once_and_the_colleague_is_told(
    owner: User, locked_out: User, inbox: Inbox
) -> None:
    answer = press(owner, locked_out)

    assert "The second factor is reset. An email says so." in answer.content.decode()
    assert not second_factor.is_enrolled(locked_out.pk)
    sending.send_due()
    (mail,) = inbox
    body = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]  # each email has a plain part
    assert mail["To"] == "olga@example.org" and mail["Subject"] == "Your second factor was reset"
    assert "an owner reset your second factor on localhost:8000" in body and "(olga)" in body
    entry = AuditEntry.objects.get(action="second-factor-removed")
    assert (entry.staff_id, entry.detail) == (owner.pk, {"account": locked_out.pk})


def test_A14_where_there_is_a_second_owner_the_first_one_asks_and_the_second_one_does_it(
    owner: User, second_owner: User, locked_out: User
) -> None:
    for _time in range(2):
        assert "Another owner confirms it" in press(owner, locked_out).content.decode()
    assert second_factor.is_enrolled(locked_out.pk) and not OutboxMail.objects.exists()

    client = Client()
    client.force_login(second_owner)
    assert "second factors to reset: please confirm" in client.get("/admin/").content.decode()
    assert "is reset" in press(second_owner, locked_out).content.decode()

    assert not second_factor.is_enrolled(locked_out.pk) and not FactorReset.objects.exists()
    actions = AuditEntry.objects.filter(action__startswith="factor-reset").values_list("staff_id", flat=True)
    assert set(actions) == {owner.pk}
    assert AuditEntry.objects.get(action="second-factor-removed").staff_id == second_owner.pk


def test_A14_what_was_asked_yesterday_or_by_somebody_who_is_no_owner_any_more_is_not_confirmed(
    owner: User, second_owner: User, locked_out: User
) -> None:
    third = User.objects.create_user("ivo", "ivo@example.org", PASSWORD, is_staff=True)
    third.groups.set(owner.groups.all())
    press(owner, locked_out)
    row = FactorReset.objects.get()
    FactorReset.objects.update(asked_at=row.asked_at - FactorReset.VALID_FOR - timedelta(minutes=1))
    assert "Another owner confirms it" in press(second_owner, locked_out).content.decode()
    second_owner.groups.clear()
    assert "Another owner confirms it" in press(third, locked_out).content.decode()
    assert second_factor.is_enrolled(locked_out.pk)


def test_an_owner_who_never_accepted_the_invitation_holds_nothing_up(
    owner: User, second_owner: User, locked_out: User
) -> None:
    second_owner.set_unusable_password()
    second_owner.save()
    assert "is reset" in press(owner, locked_out).content.decode()


def test_A5_nobody_resets_the_own_one_or_that_of_a_superuser_or_without_the_permission(
    owner: User, moderator: User, admin_user: User, locked_out: User
) -> None:
    assert "Nobody resets their own" in press(owner, owner).content.decode()
    assert press(owner, admin_user).status_code == 403
    assert press(moderator, locked_out).status_code == 403
    with pytest.raises(IntegrityError), transaction.atomic():
        FactorReset.objects.create(account=owner, asked_by=owner.pk, asked_at=owner.date_joined)
    assert second_factor.is_enrolled(locked_out.pk)


def test_A12_it_needs_a_fresh_sign_in(owner: User, locked_out: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    client.force_login(owner)
    monkeypatch.setattr(sessions, "FRESH_SECONDS", -1)
    answer = client.post(f"/admin/auth/user/{locked_out.pk}/reset-second-factor/")
    assert answer.status_code == 302 and answer["Location"].startswith("/admin/again/")
    assert second_factor.is_enrolled(locked_out.pk)


def test_an_account_without_an_address_is_told_by_the_owner(owner: User, locked_out: User) -> None:
    User.objects.filter(pk=locked_out.pk).update(email="")
    assert "please tell them" in press(owner, locked_out).content.decode()
