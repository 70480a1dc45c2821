"""The second factor: a password alone opens no admin page."""

import re
import threading
from base64 import b32decode
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from campaign.models import Letter
from signatures.models import AuditEntry, Signature
from signatures.staff import email_links, second_factor
from tests.admin_urls import admin_urls, ask, is_kept_out
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
OPEN = {
    "login",
    "second_factor",
    "enroll",
    "logout",
    "forgotten_password",
    "set_password",
}  # what a password, or nothing, opens
LOGIN, FACTOR, NEW = "/admin/login/", "/admin/second-factor/", "/admin/second-factor/new/"


@pytest.fixture(autouse=True)
def public_site(settings: Any) -> None:
    settings.LOCAL_MODE = False


def codes_of(key: str, *ahead: int) -> list[str]:
    """What an app with this secret shows so many steps from one moment, now."""
    totp = TOTP(bytes.fromhex(key))
    now, codes = totp.time, []
    for steps in ahead:
        totp.time = now + 30 * steps
        codes.append(f"{totp.token():06d}")
    return codes


def code_of(key: str, *, ahead: int = 0) -> str:
    """What an app with this secret shows, or will show."""
    return codes_of(key, ahead)[0]


def give_password(client: Client, person: User, **more: Any) -> Any:
    return client.post(LOGIN, {"username": person.username, "password": PASSWORD}, **more)


def enroll(client: Client) -> tuple[str, list[str]]:
    """Set up a second factor; its secret and the recovery codes."""
    page = client.get(NEW).content.decode()
    shown = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert shown is not None
    key = b32decode(shown[1].replace(" ", "")).hex()
    answer = client.post(NEW, {"code": code_of(key)})
    return key, re.findall(r"<code>([a-z2-7]{5}-[a-z2-7]{5})</code>", answer.content.decode())


@pytest.fixture
def olga(owner: User) -> tuple[User, str, list[str]]:
    """An owner who has set up a second factor: who, the secret, the recovery codes."""
    client = Client()
    give_password(client, owner)
    key, codes = enroll(client)
    TOTPDevice.objects.update(last_t=-1)  # as if that had been long ago
    return owner, key, codes


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def test_the_first_login_sets_up_a_second_factor(client: Client, moderator: User) -> None:
    answer = give_password(client, moderator, query_params={"next": "/admin/signatures/waitingsignature/"})
    assert answer.status_code == 302 and answer["Location"].startswith(FACTOR)
    assert not is_in(client)

    page = client.get(answer["Location"], follow=True).content.decode()
    assert "<svg" in page and "data:" not in page and "http" not in re.sub(r'xmlns="[^"]+"', "", page.split("<svg")[1])
    key, codes = enroll(client)

    assert is_in(client) and len(set(codes)) == 10
    assert TOTPDevice.objects.get().key == key
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")] == ["second-factor-added", "login"]


def test_an_enrolled_account_logs_in_with_password_and_code(client: Client, olga: tuple[User, str, list[str]]) -> None:
    person, key, _codes = olga
    give_password(client, person)
    assert client.post(FACTOR, {"code": "000000"}).status_code == 200
    assert not is_in(client)

    answer = client.post(FACTOR, {"code": code_of(key), "next": "/admin/signatures/ratelimit/"})

    assert (answer.status_code, answer["Location"]) == (302, "/admin/signatures/ratelimit/")
    assert is_in(client)
    assert list(AuditEntry.objects.values_list("action", flat=True)[:2]) == ["login", "second-factor-failed"]


def test_a_code_of_another_secret_sets_up_nothing(client: Client, moderator: User) -> None:
    give_password(client, moderator)
    client.get(NEW)
    answer = client.post(NEW, {"code": "123456"})
    assert "does not belong to the secret" in answer.content.decode()
    assert not TOTPDevice.objects.exists() and not is_in(client)


@pytest.mark.slow
def test_A1_a_password_alone_opens_no_page_of_admin(
    client: Client, admin_user: User, ada: Signature, olga: tuple[User, str, list[str]]
) -> None:
    owner, _key, _codes = olga
    for person in (owner, admin_user):
        User.objects.filter(pk=person.pk).update(is_superuser=True)
        person.set_password(PASSWORD)
        person.save()
        client.logout()
        give_password(client, person)
        tried = 0
        for name, address in admin_urls():
            for method in ("GET", "POST"):
                tried += 1
                answer = ask(client, method, address)
                assert is_kept_out(answer) or name in OPEN or answer.status_code == 405, (
                    name,
                    method,
                    answer.status_code,
                )
        assert tried > 120 and client.session["_auth_user_id"] == str(person.pk)


def test_A1_a_password_alone_cannot_replace_the_second_factor(
    client: Client, olga: tuple[User, str, list[str]]
) -> None:
    person, key, _codes = olga
    give_password(client, person)
    assert client.get(NEW)["Location"].startswith(FACTOR)
    session = client.session
    session["pending-second-factor"] = second_factor.new_totp_key()
    session.save()
    assert client.post(NEW, {"code": code_of(session["pending-second-factor"])})["Location"].startswith(FACTOR)
    assert client.post("/admin/second-factor/codes/")["Location"].startswith(LOGIN)
    assert TOTPDevice.objects.get().key == key


def test_A1_neither_a_new_password_nor_its_change_skips_the_second_factor(
    client: Client, olga: tuple[User, str, list[str]]
) -> None:
    person, _key, _codes = olga
    person.refresh_from_db()
    link = email_links.password_link(person).removeprefix("http://localhost:8000")
    page = client.get(link, follow=True)
    client.post(
        page.redirect_chain[-1][0], {"new_password1": "quite another one", "new_password2": "quite another one"}
    )
    client.post(LOGIN, {"username": person.username, "password": "quite another one"})
    assert not is_in(client)
    assert client.get("/admin/password_change/")["Location"].startswith(LOGIN)


def test_A2_a_code_works_once(olga: tuple[User, str, list[str]]) -> None:
    person, key, _codes = olga
    code = code_of(key)
    first, second = Client(), Client()
    for client in (first, second):
        give_password(client, person)
        client.post(FACTOR, {"code": code})
    assert is_in(first) and not is_in(second)


@pytest.mark.django_db(transaction=True)
def test_A2_of_eight_simultaneous_logins_with_one_code_one_succeeds(olga: tuple[User, str, list[str]]) -> None:
    person, key, codes = olga
    opened: list[str] = []

    def come(code: str) -> None:
        if second_factor.verify_code(person, code):
            opened.append(code)
        connection.close()

    for code in (code_of(key), codes[0]):
        threads = [threading.Thread(target=come, args=[code]) for _each in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert opened.count(code) == 1


def test_A2_a_recovery_code_works_once_and_the_page_says_how_many_are_left(olga: tuple[User, str, list[str]]) -> None:
    person, _key, codes = olga
    first, second = Client(), Client()
    give_password(first, person)
    page = first.post(FACTOR, {"code": codes[0].upper().replace("-", " ")}, follow=True)
    assert "9 recovery codes are left" in page.content.decode()
    give_password(second, person)
    second.post(FACTOR, {"code": codes[0]})
    assert is_in(first) and not is_in(second)
    assert AuditEntry.objects.filter(action="login", detail__by="recovery-code").count() == 1


def test_the_database_holds_no_recovery_code(olga: tuple[User, str, list[str]]) -> None:
    _person, _key, codes = olga
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            for code in codes:
                cursor.execute(
                    f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE ANY (%s)',
                    [[f"%{code}%", f"%{code.replace('-', '')}%"]],
                )
                assert cursor.fetchone() == (0,), table
    assert StaticToken.objects.count() == 10


def test_new_recovery_codes_replace_the_former_ones(client: Client, olga: tuple[User, str, list[str]]) -> None:
    person, key, former = olga
    give_password(client, person)
    client.post(FACTOR, {"code": code_of(key)})
    answer = client.post("/admin/second-factor/codes/")
    made = re.findall(r"<code>([a-z2-7]{5}-[a-z2-7]{5})</code>", answer.content.decode())
    assert len(made) == 10 and not set(made) & set(former)
    assert not second_factor.verify_code(person, former[0]) and StaticToken.objects.count() == 10


def test_another_app_replaces_the_former_one(client: Client, olga: tuple[User, str, list[str]]) -> None:
    person, former, _codes = olga
    give_password(client, person)
    client.post(FACTOR, {"code": code_of(former)})
    key, _made = enroll(client)
    assert key != former and TOTPDevice.objects.get().key == key
    assert is_in(client)


def test_in_local_mode_a_second_factor_is_optional_but_required_once_it_is_set_up(
    settings: Any, moderator: User, olga: tuple[User, str, list[str]]
) -> None:
    settings.LOCAL_MODE = True
    person, key, _codes = olga
    without, having = Client(), Client()
    give_password(without, moderator)
    give_password(having, person)
    assert is_in(without) and not is_in(having)
    having.post(FACTOR, {"code": code_of(key)})
    assert is_in(having)


def test_A14_a_lost_second_factor_is_reset_by_a_command(olga: tuple[User, str, list[str]], capsys: Any) -> None:
    person, key, codes = olga
    client = Client()
    give_password(client, person)
    client.post(FACTOR, {"code": code_of(key)})
    assert is_in(client)

    call_command("reset_second_factor", person.username)

    assert not is_in(client) and not second_factor.is_enrolled(person.pk) and not StaticToken.objects.exists()
    assert not second_factor.verify_code(person, codes[0])
    entry = AuditEntry.objects.get(action="second-factor-removed")
    assert entry.staff_id == person.pk and entry.reason == ""
    give_password(client, person)
    enroll(client)
    assert is_in(client)


def test_A14_the_command_says_when_there_is_no_second_factor(moderator: User) -> None:
    with pytest.raises(CommandError, match="There is no account 'nobody'"):
        call_command("reset_second_factor", "nobody")
    with pytest.raises(CommandError, match="has no second factor"):
        call_command("reset_second_factor", moderator.username)


def test_no_page_shows_the_secret_of_another_account(admin_client: Client, letter: Letter, settings: Any) -> None:
    settings.LOCAL_MODE = True
    for path in ("otp_totp/totpdevice/", "otp_static/staticdevice/"):
        assert admin_client.get(f"/admin/{path}").status_code == 404
