"""A forgotten password is reset by email, and nobody learns who has an account."""

import re
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from signatures.audit import audit_log
from signatures.models import AuditEntry, OutboxMail, RateLimit
from signatures.outbox import queue, sending
from signatures.screening import rate_limits
from signatures.staff import second_factor
from tests.conftest import PASSWORD
from tests.inbox import Inbox
from tests.staff.accounts import FORGOTTEN, LOGIN, NEW, password_link_in, set_password
from tests.staff.test_second_factor import code_of

pytestmark = pytest.mark.django_db


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


def test_A19_whoever_knows_the_password_cannot_spoil_the_link_for_a_new_one(
    client: Client, olga: User, inbox: Inbox, settings: Any
) -> None:
    settings.LOCAL_MODE = False
    key = second_factor.new_totp_key()
    second_factor.enroll(olga, key, code_of(key, ahead=-1), keep_session=None)
    for _time in range(5):
        client.post(FORGOTTEN, {"name": "olga"})
    link, old = password_link_in(inbox), {"username": "olga", "password": PASSWORD}
    assert Client().post(LOGIN, old).status_code == 302, "the thief of the password logs in with it"
    olga.refresh_from_db()
    assert olga.last_login is None, "without the second factor it is no login"

    answer = set_password(client, link)

    assert "Your password is set" in answer.content.decode()
    assert Client().post(LOGIN, old).status_code == 200
    client.post(LOGIN, {**old, "password": NEW})
    client.post("/admin/second-factor/", {"code": code_of(key)})
    olga.refresh_from_db()
    assert olga.last_login is not None


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


@pytest.mark.django_db(transaction=True)
def test_A13_every_account_and_none_writes_to_the_disk_when_the_audit_log_takes_no_more_entries(
    client: Client, accounts_of_every_kind: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction that writes nothing has no number, and its commit waits for no disk."""
    rate_limits.create_default_limits()
    monkeypatch.setattr(audit_log, "STRANGERS_PER_HOUR", 1)
    for _time in range(2):
        client.post(FORGOTTEN, {"name": "the first ones"})
    wrote: list[bool] = []
    enqueue = queue.enqueue_for_staff

    def watched(*given: Any, **named: Any) -> int:
        number = enqueue(*given, **named)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
            wrote.append(cursor.fetchone()[0])
        return number

    monkeypatch.setattr(queue, "enqueue_for_staff", watched)
    for number, name in enumerate(ACCOUNTS):
        client.post(FORGOTTEN, {"name": name}, REMOTE_ADDR=f"198.18.{number}.1")
    assert AuditEntry.objects.filter(action="ask-password").count() == 1
    assert wrote == [True] * len(ACCOUNTS)


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
