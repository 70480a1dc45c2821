"""Staff accounts: emails to staff, invitations, forgotten passwords, and limits on login attempts."""

import importlib
import logging
import re
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django import __version__ as version
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import Group, User
from django.contrib.auth.tokens import default_token_generator
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import clear_url_caches
from django.utils import timezone

from campaign import urls
from campaign.runtime.logs import RedactingFormatter
from signatures.models import AuditEntry, OutboxMail, RateLimit, Signature
from signatures.outbox import queue, sending
from signatures.screening import rate_limits
from signatures.staff import email_links, second_factor, sessions
from tests.conftest import PASSWORD, Inbox
from tests.staff.test_second_factor import code_of

LOGIN, FORGOTTEN = "/admin/login/", "/admin/forgotten/"
NEW = "quite another one"
pytestmark = pytest.mark.django_db


@pytest.fixture
def olga(db: None) -> User:
    """A member of staff with an email address."""
    return User.objects.create_user("olga", "olga@example.org", "a long enough password", is_staff=True)


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
def test_the_database_refuses_an_email_to_both_or_to_nobody(ben: Signature, fields: dict[str, object]) -> None:
    both = {"signature": ben, "staff_id": 1} if fields.get("staff_id") else {}
    whole = {"language": "en", "queued_at": timezone.now(), "due_at": timezone.now(), "kind": "link", **fields, **both}
    with pytest.raises(IntegrityError, match="mail_goes_to_a_signer_or_to_staff"), transaction.atomic():
        OutboxMail.objects.create(**whole)


# Invitations


def password_link_in(inbox: Inbox) -> str:
    """Returns the password link in the newest email."""
    sending.send_due()
    body = inbox[-1].get_body(("plain",))
    assert body is not None
    found = re.search(r"http://localhost:\d+(/admin/password/\S+)", body.get_content())
    assert found is not None
    return found[1]


def set_password(client: Client, link: str, password: str = NEW) -> Any:
    form = client.get(link, follow=True)
    address = form.redirect_chain[-1][0] if form.redirect_chain else link
    return client.post(address, {"new_password1": password, "new_password2": password}, follow=True)


def invite(client: Client, role: str = "moderator", **more: str) -> Any:
    group = Group.objects.get(name=role)
    return client.post(
        "/admin/auth/user/add/", {"username": "mina", "email": "mina@example.org", "role": group.pk, **more}
    )


@pytest.fixture
def owner_client(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


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


# Forgotten passwords


def test_a_forgotten_password_is_reset_by_email_and_the_second_factor_stays(
    client: Client, olga: User, inbox: Inbox
) -> None:
    key = second_factor.new_totp_key()
    second_factor.enroll(olga, key, code_of(key), keep_session=None)
    there = Client()
    there.force_login(olga)
    assert "on its way" in client.post(FORGOTTEN, {"name": "olga"}).content.decode()

    set_password(client, password_link_in(inbox))

    assert inbox[0]["Subject"] == "Your new password"
    olga.refresh_from_db()
    assert olga.check_password(NEW) and second_factor.is_enrolled(olga.pk)
    assert "_auth_user_id" not in there.session, "sessions ended"
    assert set(AuditEntry.objects.values_list("action", "staff_id")) >= {
        ("ask-password", olga.pk),
        ("set-password", olga.pk),
    }


def test_an_account_is_found_by_its_email_address_too(client: Client, olga: User) -> None:
    client.post(FORGOTTEN, {"name": "OLGA@example.org"})
    assert OutboxMail.objects.get().staff_id == olga.pk


def test_the_first_account_has_no_address_and_gets_no_email(client: Client) -> None:
    User.objects.create_superuser("admin", password=PASSWORD)
    for typed in ("admin", ""):
        client.post(FORGOTTEN, {"name": typed})
    assert not OutboxMail.objects.exists()


ACCOUNTS = ["olga", "invited", "closed", "addressless", "signer", "nobody"]


@pytest.fixture
def accounts_of_every_kind(olga: User) -> None:
    User.objects.create_user("invited", "i@example.org", is_staff=True)
    User.objects.create_user("closed", "c@example.org", PASSWORD, is_staff=True, is_active=False)
    User.objects.create_user("addressless", "", PASSWORD, is_staff=True)
    User.objects.create_user("signer", "s@example.org", PASSWORD)
    RateLimit.objects.all().delete()  # each asks from here
    rate_limits.clear_cache()


def seen(answer: Any, typed: str) -> tuple[Any, ...]:
    """Returns everything that a stranger sees of a response."""
    headers = {name: re.sub(r"nonce-[^']+", "", value) for name, value in answer.items()}
    body = re.sub(r'nonce="[^"]+"|value="[A-Za-z0-9]{64}"', "", answer.content.decode()).replace(typed, "")
    headers.pop("Content-Length", None)
    return answer.status_code, headers, set(answer.cookies), body


FORMS = [(FORGOTTEN, {"name": "{}"}), (LOGIN, {"username": "{}", "password": "a wrong password"})]


def fill(form: dict[str, str], name: str) -> dict[str, str]:
    return {field: value.replace("{}", name) for field, value in form.items()}


@pytest.mark.parametrize(("path", "form"), FORMS)
def test_A13_every_account_and_none_gets_the_same_response(
    client: Client, accounts_of_every_kind: None, path: str, form: dict[str, str]
) -> None:
    answers = [seen(client.post(path, fill(form, name)), name) for name in ACCOUNTS]
    assert all(answer == answers[0] for answer in answers)


def test_A13_what_differs_is_said_in_the_email(client: Client, accounts_of_every_kind: None, inbox: Inbox) -> None:
    for name in ACCOUNTS:
        client.post(FORGOTTEN, {"name": name})
    sending.send_due()
    assert sorted(inbox.recipients) == ["i@example.org", "olga@example.org"]


@pytest.mark.parametrize(("path", "form"), FORMS)
def test_A13_every_account_and_none_takes_the_same_number_of_statements(
    client: Client, accounts_of_every_kind: None, path: str, form: dict[str, str]
) -> None:
    client.post(path, fill(form, "warm"))
    numbers = set()
    for name in ACCOUNTS:
        with CaptureQueriesContext(connection) as asked:
            client.post(path, fill(form, name))
        numbers.add(len(asked))
    assert len(numbers) == 1 and numbers.pop() <= 10


def test_A13_every_account_and_none_takes_the_same_work(client: Client, accounts_of_every_kind: None) -> None:
    """Interleaved as S2, by the time this thread works: what the database does is counted above, and a busy machine is not."""
    took: dict[str, list[float]] = {name: [] for name in ACCOUNTS}
    for turn in range(30):
        for name in ACCOUNTS[turn % 6 :] + ACCOUNTS[: turn % 6]:
            began = time.thread_time()
            client.post(FORGOTTEN, {"name": name})
            took[name].append(time.thread_time() - began)
    medians = {name: statistics.median(times) for name, times in took.items()}
    readable = {name: f"{median * 1000:.2f} ms" for name, median in medians.items()}
    spread = max(medians.values()) - min(medians.values())
    assert spread < max(0.005, min(medians.values()) / 10), readable


@contextmanager
def patch_hasher() -> Iterator[list[str]]:
    """What the hasher of the tests was asked to hash meanwhile."""
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def count(self: Any, password: str, *more: Any, **other: Any) -> str:
        hashed.append(password)
        return encode(self, password, *more, **other)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(MD5PasswordHasher, "encode", count)
        yield hashed


def test_A13_a_wrong_password_costs_one_hash_for_any_user_name(client: Client, accounts_of_every_kind: None) -> None:
    for name in ACCOUNTS:
        with patch_hasher() as hashed:
            client.post(LOGIN, {"username": name, "password": "a wrong password"})
        assert len(hashed) == 1, name


# Too many tries


def give(name: str, password: str = "wrong", network: str = "203.0.113.7", **headers: str) -> Any:
    return Client(REMOTE_ADDR=network, headers=headers).post(LOGIN, {"username": name, "password": password})


@pytest.mark.parametrize("name", ["olga", "nobody"])
def test_A3_five_failures_lock_the_pair_of_account_and_network(olga: User, name: str) -> None:
    answers = [give(name) for _time in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert "Please wait ten minutes" in answers[-1].content.decode()
    assert give(name, PASSWORD).status_code == 429


def test_A3_the_locked_account_can_log_in_elsewhere_and_others_from_the_same_network(
    olga: User, moderator: User
) -> None:
    for _time in range(8):
        give("olga")
    assert give("olga", PASSWORD, "198.51.100.9").status_code == 302
    assert give(moderator.username, PASSWORD).status_code == 302
    assert give("olga", PASSWORD, "203.0.113.250").status_code == 429, "a neighbor in the same network"


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_A3_a_forged_header_does_not_change_the_network(olga: User, header: str) -> None:
    statuses = [give("olga", **{header: f"198.51.{n}.1"}).status_code for n in range(7)]
    assert statuses == [200] * 5 + [429] * 2


def test_A3_behind_a_trusted_proxy_its_header_decides(olga: User, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    settings.SECURE_PROXY_SSL_HEADER = None
    for n in range(6):
        give("olga", network="10.0.0.1", **{"X-Forwarded-For": f"192.0.2.{n}, 203.0.113.7"})
    assert give("olga", PASSWORD, "10.0.0.1", **{"X-Forwarded-For": "203.0.113.7"}).status_code == 429
    assert give("olga", PASSWORD, "10.0.0.1", **{"X-Forwarded-For": "198.51.100.4"}).status_code == 302


def test_A3_many_networks_lock_nobody_out(olga: User) -> None:
    for n in range(30):
        assert give("olga", network=f"10.{n}.0.1").status_code == 200
    assert give("olga", PASSWORD, "198.51.100.9").status_code == 302


def test_A3_a_successful_login_resets_the_attempts(olga: User) -> None:
    for _round in range(3):
        assert [give("olga").status_code for _time in range(4)] == [200] * 4
        assert give("olga", PASSWORD).status_code == 302


def test_A3_the_lock_ends_after_its_time(olga: User, monkeypatch: Any) -> None:
    for _time in range(6):
        give("olga")
    now = time.time()
    monkeypatch.setattr(rate_limits, "time", SimpleNamespace(time=lambda: now + 600, monotonic=time.monotonic))
    assert give("olga", PASSWORD).status_code == 302


def test_failed_logins_are_recorded_by_account_id_and_a_flood_of_them_once(
    olga: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()  # stands still: at the full hour the network would be counted anew
    monkeypatch.setattr("signatures.screening.rate_limits.time", SimpleNamespace(time=lambda: now))
    for _time in range(9):
        give("olga")
    entries = list(AuditEntry.objects.order_by("pk").values_list("action", "staff_id"))
    assert entries == [("login-failed", olga.pk)] * 5 + [("login-locked", olga.pk)]
    for n in range(80):
        give(f"made-up-{n}", network="198.51.100.9")
    flood = AuditEntry.objects.exclude(staff_id=olga.pk)
    assert (flood.filter(action="login-failed").count(), flood.filter(action="login-flood").count()) == (50, 1)
    assert not AuditEntry.objects.filter(reason__gt="").exists()


# The address of admin


PUBLIC = ["/", "/letters/bridge/", "/letters/bridge/signatories/", "/letters/bridge/history/", "/privacy/", "/robots.txt",
          "/healthz", "/readyz", "/api/v1/letters/bridge/", "/nix/", "/signature/x/", "/ko/"]  # fmt: skip


@pytest.fixture
def other_admin_path(settings: Any) -> Iterator[str]:
    """The site as it starts with another ADMIN_PATH."""
    settings.ADMIN_PATH = "quiet-room/"
    importlib.reload(urls)
    clear_url_caches()
    yield "/quiet-room/"
    settings.ADMIN_PATH = "admin/"
    importlib.reload(urls)
    clear_url_caches()


def test_A11_another_admin_path_replaces_the_default_one_and_appears_on_no_public_page(
    other_admin_path: str, client: Client, ada: Signature, moderator: User
) -> None:
    assert client.get(f"{other_admin_path}login/").status_code == 200
    for address in ("/admin/", "/admin/login/", "/admin/signatures/waitingsignature/", "/admin/jsi18n/"):
        assert client.get(address).status_code == 404, address
    for address in [*PUBLIC, "/admin/"]:
        answer = client.get(address)
        assert "quiet-room" not in f"{answer.headers} {answer.content.decode()}", address
    entered = client.post(f"{other_admin_path}login/", {"username": moderator.username, "password": PASSWORD})
    assert entered["Location"] == other_admin_path and client.get(other_admin_path).status_code == 200
    session = client.session
    session[sessions.LAST_SEEN_KEY] -= 31 * 60
    session.save()
    assert client.get(other_admin_path).status_code == 302, "sessions end there, too"


@pytest.mark.parametrize("address", [*PUBLIC, LOGIN])
def test_A11_no_public_page_links_to_the_admin_pages_or_shows_a_version(
    client: Client, ada: Signature, address: str
) -> None:
    answer = client.get(address)
    response = f"{answer.headers} {answer.content.decode()}"
    assert "/admin/" not in response or address == LOGIN
    assert version not in response and not re.search(r"(?i)django/|python/|x-powered-by|'server'", response)
