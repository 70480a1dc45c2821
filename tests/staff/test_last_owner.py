"""A site always has an owner, and an owner sees who was last active."""

import threading
import time
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client

from campaign.runtime.locks import AdvisoryLock, block_lock
from signatures.audit import audit_log
from signatures.registries import AuditAction
from signatures.staff import roles
from tests.conftest import PASSWORD, member_of
from tests.staff.test_login_attempts import give


def change(by: User, person: User, **fields: Any) -> Any:
    client = Client()
    client.force_login(by)
    typed = {"email": person.email, "is_active": "on", "groups": [group.pk for group in person.groups.all()], **fields}
    return client.post(f"/admin/auth/user/{person.pk}/change/", {name: value for name, value in typed.items() if value})


def another_owner(owner: User) -> User:
    person = User.objects.create_user("zoe", "zoe@example.org", PASSWORD, is_staff=True)
    person.groups.set(owner.groups.all())
    return person


@pytest.mark.django_db
@pytest.mark.parametrize("fields", [{"is_active": ""}, {"groups": []}])
def test_the_last_owner_cannot_close_the_own_account_or_leave_the_role(owner: User, fields: dict[str, Any]) -> None:
    answer = change(owner, owner, **fields)

    assert "This is the only owner." in answer.content.decode()
    owner.refresh_from_db()
    assert owner.is_active and [group.name for group in owner.groups.all()] == ["owner"]


@pytest.mark.django_db
def test_an_invited_owner_counts_once_the_invitation_is_accepted(owner: User) -> None:
    zoe = another_owner(owner)
    zoe.set_unusable_password()
    zoe.save()
    assert "This is the only owner." in change(owner, owner, is_active="").content.decode()
    zoe.set_password(PASSWORD)
    zoe.save()
    assert change(owner, owner, is_active="").status_code == 302
    owner.refresh_from_db()
    assert not owner.is_active


@pytest.mark.django_db
def test_somebody_who_is_no_owner_can_be_closed_by_the_last_one(owner: User, moderator: User) -> None:
    assert change(owner, moderator, is_active="").status_code == 302


@pytest.mark.django_db(transaction=True)
def test_A14_two_owners_who_close_each_other_at_once_leave_one() -> None:
    owner = member_of("owner")
    zoe = another_owner(owner)

    def close(by: User, person: User) -> None:
        try:
            change(by, person, is_active="")
        finally:
            connection.close()

    threads = [threading.Thread(target=close, args=pair) for pair in ((owner, zoe), (zoe, owner))]
    with block_lock(AdvisoryLock.OWNERS):  # until both are at the same place
        for thread in threads:
            thread.start()
        wait_for_locks(2)
    for thread in threads:
        thread.join(30)
    assert roles.owners().count() == 1


def wait_for_locks(number: int) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            if cursor.fetchone()[0] == number:
                return
        time.sleep(0.05)
    raise AssertionError("Nobody waited for the other one.")


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["Olga@Example.org", "zoe"])
def test_no_account_takes_a_name_that_another_one_signs_in_by(owner: User, olga: User, address: str) -> None:
    if "@" not in address:
        User.objects.create_user("zoe@example.org", "", PASSWORD, is_staff=True)
        address = "zoe@example.org"
    answer = change(owner, owner, email=address)
    assert "There is an account with this email address already." in answer.content.decode()
    role = Group.objects.get(name="editor")
    client = Client()
    client.force_login(owner)
    typed = {"username": "olga@example.org", "email": "new@example.org", "role": role.pk}
    assert "email address of another account" in client.post("/admin/auth/user/add/", typed).content.decode()


@pytest.mark.django_db
def test_an_owner_sees_when_a_colleague_was_last_active_and_no_stranger_moves_it(owner: User, olga: User) -> None:
    client = Client()
    client.force_login(owner)

    def cells() -> str:
        page: str = client.get("/admin/auth/user/?q=olga").content.decode()
        return page.partition("field-last_active")[2].partition("</td>")[0]

    give("olga")
    assert "never" in cells(), "somebody else typed the name"
    audit_log.record(AuditAction.APPROVE, staff_id=olga.pk)
    assert ":00 UTC" in cells()
