"""Owners invite staff, who set a password and a second factor."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.auth.tokens import default_token_generator
from django.db import connection
from django.test import Client
from django.utils import timezone

from campaign.runtime.logs import RedactingFormatter
from signatures.models import AuditEntry, OutboxMail
from signatures.staff import email_links, second_factor
from tests.conftest import PASSWORD
from tests.inbox import Inbox
from tests.staff.accounts import LOGIN, NEW, password_link_in, set_password
from tests.staff.test_second_factor import code_of

pytestmark = pytest.mark.django_db


def invite(client: Client, role: str = "moderator", **more: str) -> Any:
    group = Group.objects.get(name=role)
    return client.post(
        "/admin/auth/user/add/", {"username": "mina", "email": "mina@example.org", "role": group.pk, **more}
    )


def test_an_invited_person_sets_a_password_and_a_second_factor(
    owner_client: Client, owner: User, inbox: Inbox, client: Client, settings: Any
) -> None:
    settings.LOCAL_MODE = False
    owner_client.force_login(owner)
    key = second_factor.new_totp_key()
    second_factor.enroll(owner, key, code_of(key, ahead=-1), keep_session=None)
    owner_client = Client()
    owner_client.post(LOGIN, {"username": owner.username, "password": PASSWORD})
    owner_client.post("/admin/second-factor/", {"code": code_of(key)})
    assert invite(owner_client).status_code == 302
    mina = User.objects.get(username="mina")
    assert not mina.has_usable_password() and mina.is_staff and not mina.is_superuser
    link = password_link_in(inbox)
    assert inbox.recipients == ["mina@example.org"] and inbox[0]["Subject"] == "Your account"
    words = inbox[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]  # each email has a plain part
    assert "Your user name is mina, your role moderator, the site localhost:8000." in words

    answer = set_password(client, link)

    assert "Your password is set" in answer.content.decode()
    entered = client.post(LOGIN, {"username": "mina", "password": NEW}, follow=True)
    assert "<svg" in entered.content.decode()
    client.post("/admin/second-factor/new/", {"code": code_of(client.session["pending-second-factor"])})
    assert client.get("/admin/signatures/waitingsignature/").status_code == 200
    assert client.get("/admin/auth/user/").status_code == 403
    entry = AuditEntry.objects.filter(action="invite").get()
    assert (entry.staff_id, entry.detail) == (owner.pk, {"account": mina.pk, "role": "moderator"})


def test_no_token_is_stored_and_the_audit_log_names_nobody(owner_client: Client, inbox: Inbox) -> None:
    invite(owner_client)
    link = password_link_in(inbox)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{link.split('/')[-2]}%"])
            assert cursor.fetchone() == (0,), table
        cursor.execute("SELECT count(*) FROM signatures_auditentry t WHERE t::text ~ 'mina|example'")
        assert cursor.fetchone() == (0,)


def test_R5_no_log_line_holds_a_password_link(olga: User) -> None:
    link = email_links.password_link(olga)
    line = RedactingFormatter().format(
        logging.LogRecord("x", logging.ERROR, "f", 1, f"Internal Server Error: {link}", None, None)
    )
    assert link.split("/")[-2] not in line and "/password/" in line


def test_an_invitation_works_once_and_for_three_days(
    owner_client: Client, client: Client, inbox: Inbox, monkeypatch: Any
) -> None:
    invite(owner_client)
    link = password_link_in(inbox)
    later = timezone.now().replace(tzinfo=None) + timedelta(days=3, minutes=1)
    with monkeypatch.context() as clock:
        clock.setattr(default_token_generator, "_now", lambda: later)
        assert "does not work" in set_password(client, link).content.decode()
    set_password(client, link)
    assert "does not work" in set_password(client, link, "one more of them").content.decode()
    assert User.objects.get(username="mina").check_password(NEW)


def test_an_invitation_to_a_deactivated_account_does_not_work(
    owner_client: Client, client: Client, inbox: Inbox
) -> None:
    invite(owner_client)
    link = password_link_in(inbox)
    User.objects.filter(username="mina").update(is_active=False)
    assert "does not work" in set_password(client, link).content.decode()


@pytest.mark.parametrize(
    "link", ["/admin/password/x/y/", "/admin/password/MQ/set-password/", "/admin/password/OTk5OTk/a-b/"]
)
def test_a_made_up_link_gets_a_page_that_says_so(client: Client, link: str) -> None:
    answer = client.get(link)
    assert answer.status_code == 200 and "This link does not work" in answer.content.decode()


def test_a_password_that_is_too_short_is_an_error_at_the_field(
    owner_client: Client, client: Client, inbox: Inbox
) -> None:
    invite(owner_client)
    page = set_password(client, password_link_in(inbox), "short").content.decode()
    assert "at least 12 characters" in page


@pytest.mark.parametrize(
    ("typed", "said"),
    [({"email": ""}, "This field is required"), ({"email": "olga@example.org"}, "with this email address already"), ({"username": "olga"}, "already exists")],
)  # fmt: skip
def test_an_invalid_invitation_shows_its_errors(
    owner_client: Client, olga: User, typed: dict[str, str], said: str
) -> None:
    assert said in invite(owner_client, **typed).content.decode()
    assert not User.objects.filter(username="mina").exists() and not OutboxMail.objects.exists()


def test_an_invitation_can_be_sent_again_while_no_password_is_set(owner_client: Client, olga: User) -> None:
    invite(owner_client)
    mina = User.objects.get(username="mina")
    for chosen in (mina, olga):
        owner_client.post(
            "/admin/auth/user/", {"action": "resend_invitation", "_selected_action": [chosen.pk], "index": "0"}
        )
    assert OutboxMail.objects.filter(kind="invite", staff_id=mina.pk).count() == 2
    assert not OutboxMail.objects.filter(staff_id=olga.pk).exists()


def test_accounts_are_deactivated_and_never_deleted(
    owner_client: Client, admin_client: Client, moderator: User
) -> None:
    for client in (owner_client, admin_client):
        assert client.post(f"/admin/auth/user/{moderator.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_changed_role_is_in_the_audit_log(owner_client: Client, moderator: User, owner: User) -> None:
    role = Group.objects.get(name="editor")
    owner_client.post(f"/admin/auth/user/{moderator.pk}/change/", {"email": "", "is_active": "on", "groups": [role.pk]})
    assert [group.name for group in moderator.groups.all()] == ["editor"]
    entry = AuditEntry.objects.get(action="set-roles")
    assert (entry.staff_id, entry.detail) == (owner.pk, {"account": moderator.pk, "roles": "editor"})
