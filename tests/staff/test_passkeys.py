"""Passkeys beside the authenticator app. A real browser shows the rest: tests/browser/test_passkeys.py."""

import html
import json
import re
import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp_webauthn.models import WebAuthnCredential, WebAuthnUserHandle

from signatures.models import AuditEntry
from signatures.staff import passkeys, second_factor, sessions
from tests.conftest import PASSWORD
from tests.staff.authenticator import Authenticator
from tests.staff.test_second_factor import FACTOR, LOGIN, NEW, code_of, enroll, give_password, is_in
from tests.staff.test_sessions import AGAIN, age_session

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def public_site(settings: Any) -> None:
    settings.LOCAL_MODE = False


@pytest.fixture
def client() -> Client:
    return Client(HTTP_HOST="localhost:8000")


def asked(client: Client, page: str) -> tuple[dict[str, Any], str]:
    """What the page asks the browser, and its signed challenge."""
    text = client.get(page).content.decode()
    options = re.search(r'<script id="passkey-options" type="application/json">(.*?)</script>', text)
    challenge = re.search(r'name="challenge" value="([^"]+)"', text)
    assert options is not None and challenge is not None
    return json.loads(options[1]), html.unescape(challenge[1])


def add(client: Client, authenticator: Authenticator, name: str = "Blue key") -> Any:
    options, challenge = asked(client, NEW)
    answer = {"name": name, "passkey": authenticator.create(options), "challenge": challenge}
    return client.post(NEW, answer)


def use(client: Client, authenticator: Authenticator, page: str = FACTOR, **more: str) -> Any:
    options, challenge = asked(client, page)
    return client.post(page, {"passkey": authenticator.get(options), "challenge": challenge, **more})


@pytest.fixture
def olga(owner: User, client: Client) -> tuple[User, Authenticator]:
    """An owner with one passkey, signed out."""
    authenticator = Authenticator()
    give_password(client, owner)
    add(client, authenticator)
    client.post("/admin/logout/")
    return owner, authenticator


def test_A1_the_first_login_offers_a_passkey_first_and_then_gives_recovery_codes(client: Client, owner: User) -> None:
    give_password(client, owner)
    page = client.get(NEW).content.decode()
    assert page.index("With a passkey") < page.index("With an authenticator app")

    answer = add(client, Authenticator())

    codes = re.findall(r"<code>([a-z2-7]{5}-[a-z2-7]{5})</code>", answer.content.decode())
    assert len(codes) == 10 and is_in(client)
    assert WebAuthnCredential.objects.get().name == "Blue key" and not TOTPDevice.objects.exists()
    entries = [(entry.action, entry.detail.get("by")) for entry in AuditEntry.objects.order_by("pk")]
    assert entries == [("second-factor-added", "passkey"), ("login", "passkey")]
    assert "Blue" not in str(list(AuditEntry.objects.values()))


def test_A1_an_account_logs_in_with_password_and_passkey(client: Client, olga: tuple[User, Authenticator]) -> None:
    person, authenticator = olga
    give_password(client, person)
    assert not is_in(client)
    before = client.session.session_key
    answer = use(client, authenticator, next="/admin/signatures/ratelimit/")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/signatures/ratelimit/")
    assert is_in(client) and client.session.session_key != before
    assert AuditEntry.objects.filter(action="login", detail__by="passkey").count() == 2


def test_a_recovery_code_stands_in_for_a_passkey(client: Client, owner: User) -> None:
    give_password(client, owner)
    codes = re.findall(r"<code>([a-z2-7-]{11})</code>", add(client, Authenticator()).content.decode())
    client.post("/admin/logout/")
    give_password(client, owner)
    page = client.get(FACTOR).content.decode()
    assert "one of your recovery codes" in page and "six digits" not in page
    client.post(FACTOR, {"code": codes[0]})
    assert is_in(client)


def test_A1_passkeys_and_an_app_stand_side_by_side_with_the_same_recovery_codes(client: Client, owner: User) -> None:
    give_password(client, owner)
    key, _codes = enroll(client)
    add(client, Authenticator(), "Laptop")
    add(client, Authenticator(), "Phone")
    assert StaticToken.objects.count() == 10 and len(second_factor.factors(owner.pk)) == 3
    page = client.get(FACTOR).content.decode()
    assert all(word in page for word in ("Laptop", "Phone", "Authenticator app", "10 recovery codes"))
    TOTPDevice.objects.update(last_t=-1)
    client.post("/admin/logout/")
    give_password(client, owner)
    client.post(FACTOR, {"code": code_of(key)})
    assert is_in(client)


def test_A1_a_password_alone_adds_no_passkey(client: Client, olga: tuple[User, Authenticator]) -> None:
    person, _authenticator = olga
    give_password(client, person)
    assert client.get(NEW)["Location"].startswith(FACTOR)
    options, challenge = passkeys.begin_new(person)
    answer = {"name": "thief", "passkey": Authenticator().create(options), "challenge": challenge}
    assert client.post(NEW, answer)["Location"].startswith(FACTOR)
    assert WebAuthnCredential.objects.count() == 1 and not is_in(client)


def test_A1_a_passkey_alone_opens_nothing(client: Client, olga: tuple[User, Authenticator]) -> None:
    person, authenticator = olga
    options, challenge = passkeys.begin_login(person)
    for page in (LOGIN, FACTOR):
        client.post(page, {"username": person.username, "passkey": authenticator.get(options), "challenge": challenge})
        assert not is_in(client)


@pytest.mark.parametrize(
    ("origin", "rp_id"),
    [
        ("https://evil.example", "localhost"),
        ("http://localhost:9000", "localhost"),
        ("http://localhost:8000", "evil.example"),
    ],
)
def test_A1_an_answer_for_another_site_is_refused(
    client: Client, olga: tuple[User, Authenticator], origin: str, rp_id: str
) -> None:
    person, authenticator = olga
    give_password(client, person)
    authenticator.origin, authenticator.rp_id = origin, rp_id
    page = use(client, authenticator).content.decode()
    assert "This passkey was not accepted" in page and not is_in(client)
    assert AuditEntry.objects.filter(action="second-factor-failed", staff_id=person.pk).count() == 1
    assert not add_elsewhere(person, origin, rp_id)


def add_elsewhere(person: User, origin: str, rp_id: str) -> Any:
    options, challenge = passkeys.begin_new(person)
    return passkeys.create(person, "x", Authenticator(origin, rp_id).create(options), challenge)


def test_A1_the_passkey_of_another_account_is_refused(
    client: Client, olga: tuple[User, Authenticator], moderator: User
) -> None:
    _person, authenticator = olga
    give_password(client, moderator)
    add(client, Authenticator())
    client.post("/admin/logout/")
    give_password(client, moderator)
    use(client, authenticator)
    assert not is_in(client)


def test_A2_a_cloned_passkey_whose_counter_lags_is_refused(client: Client, olga: tuple[User, Authenticator]) -> None:
    person, authenticator = olga
    give_password(client, person)
    use(client, authenticator)
    assert is_in(client)
    client.post("/admin/logout/")
    authenticator.counter -= 1  # the clone was not used meanwhile
    give_password(client, person)
    use(client, authenticator)
    assert not is_in(client)
    use(client, authenticator)
    assert is_in(client), "the counter grew"


def test_A2_an_answer_works_once(client: Client, olga: tuple[User, Authenticator]) -> None:
    person, authenticator = olga
    WebAuthnCredential.objects.update(sign_count=0)
    authenticator.counter = -1  # as a synchronized passkey, which does not count
    options, challenge = passkeys.begin_login(person)
    answer = authenticator.get(options)
    assert passkeys.verify(person, answer, challenge) and not passkeys.verify(person, answer, challenge)


@pytest.mark.django_db(transaction=True)
def test_A2_of_eight_simultaneous_logins_with_one_answer_one_succeeds(olga: tuple[User, Authenticator]) -> None:
    person, authenticator = olga
    WebAuthnCredential.objects.update(sign_count=0)
    authenticator.counter = -1
    options, challenge = passkeys.begin_login(person)
    answer, opened = authenticator.get(options), []

    def come() -> None:
        if passkeys.verify(person, answer, challenge):
            opened.append(1)
        connection.close()

    threads = [threading.Thread(target=come) for _each in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 1


def test_A2_a_challenge_is_for_one_account_one_purpose_and_ten_minutes(
    olga: tuple[User, Authenticator], moderator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, authenticator = olga
    options, challenge = passkeys.begin_login(moderator)
    assert not passkeys.verify(person, authenticator.get(options), challenge), "of another account"
    options, challenge = passkeys.begin_new(person)
    assert not passkeys.verify(person, authenticator.get(options), challenge), "of another purpose"
    options, challenge = passkeys.begin_login(person)
    assert not passkeys.verify(person, authenticator.get(options), challenge[:-1] + "x"), "changed"
    monkeypatch.setattr(passkeys, "FRESH_SECONDS", -1)
    assert not passkeys.verify(person, authenticator.get(options), challenge), "too old"
    monkeypatch.undo()
    assert passkeys.verify(person, authenticator.get(options), challenge)


@pytest.mark.parametrize("answer", ["", "x", "[]", "null", "3", '"x"', "{}", '{"id":"a","rawId":"b","type":"c","response":{}}', '{"id":1}', '{"id":"é","rawId":"é","type":"public-key","response":{"clientDataJSON":"é","authenticatorData":"=","signature":"*","attestationObject":"oA"}}', "[" * 20_000])  # fmt: skip
def test_a_broken_answer_is_refused_and_no_error(olga: tuple[User, Authenticator], client: Client, answer: str) -> None:
    person, _authenticator = olga
    _options, challenge = passkeys.begin_login(person)
    assert passkeys.verify(person, answer, challenge) is None
    _options, challenge = passkeys.begin_new(person)
    assert passkeys.create(person, "x", answer, challenge) is None
    give_password(client, person)
    assert client.post(FACTOR, {"passkey": answer, "challenge": challenge}).status_code == 200


def test_A2_one_network_has_five_attempts(client: Client, olga: tuple[User, Authenticator]) -> None:
    give_password(client, olga[0])
    statuses = [client.post(FACTOR, {"passkey": "x", "challenge": "x"}).status_code for _time in range(7)]
    assert statuses == [200] * 5 + [429] * 2


def test_the_same_passkey_is_not_added_twice(client: Client, owner: User) -> None:
    give_password(client, owner)
    authenticator = Authenticator()
    add(client, authenticator)
    options, _challenge = asked(client, NEW)
    assert len(options["excludeCredentials"]) == 1
    assert "was not saved" in add(client, authenticator).content.decode()
    assert WebAuthnCredential.objects.count() == 1


def remove(client: Client, passkey: WebAuthnCredential) -> str:
    address = f"/admin/second-factor/remove/passkey/{passkey.pk}/"
    assert client.get(address).status_code == 200 and WebAuthnCredential.objects.filter(pk=passkey.pk).exists()
    return str(client.post(address, follow=True).content.decode())


def test_a_removed_passkey_signs_in_no_longer(client: Client, olga: tuple[User, Authenticator]) -> None:
    person, old = olga
    give_password(client, person)
    use(client, old)
    new = Authenticator()
    add(client, new, "New key")
    remove(client, WebAuthnCredential.objects.earliest("pk"))
    assert not is_in(client), "this session began with the removed one"
    entry = AuditEntry.objects.get(action="second-factor-removed")
    assert (entry.staff_id, entry.detail["by"]) == (person.pk, "passkey")
    give_password(client, person)
    use(client, old)
    assert not is_in(client)
    use(client, new)
    assert is_in(client)


def test_A4_a_new_or_removed_passkey_ends_all_other_sessions(client: Client, olga: tuple[User, Authenticator]) -> None:
    person, authenticator = olga
    other = Client(HTTP_HOST="localhost:8000")
    for act in (lambda: add(client, Authenticator()), lambda: remove(client, WebAuthnCredential.objects.latest("pk"))):
        for visitor in (client, other):
            give_password(visitor, person)
            use(visitor, authenticator)
        assert is_in(other)
        act()
        assert is_in(client) and not is_in(other)


def test_the_last_factor_cannot_be_removed(client: Client, olga: tuple[User, Authenticator]) -> None:
    person, authenticator = olga
    give_password(client, person)
    use(client, authenticator)
    assert "only passkey or app" in remove(client, WebAuthnCredential.objects.get())
    assert WebAuthnCredential.objects.count() == 1 and is_in(client)


def test_the_app_can_go_once_there_is_a_passkey(client: Client, owner: User) -> None:
    give_password(client, owner)
    enroll(client)
    add(client, Authenticator())
    app = TOTPDevice.objects.get()
    client.post(f"/admin/second-factor/remove/app/{app.pk}/")
    assert not TOTPDevice.objects.exists() and second_factor.is_enrolled(owner.pk)


def test_A5_nobody_removes_the_passkey_of_another_account(
    client: Client, olga: tuple[User, Authenticator], moderator: User
) -> None:
    give_password(client, moderator)
    add(client, Authenticator())
    theirs = WebAuthnCredential.objects.get(user=olga[0])
    for method in (client.get, client.post):
        assert method(f"/admin/second-factor/remove/passkey/{theirs.pk}/").status_code == 404
    assert WebAuthnCredential.objects.filter(pk=theirs.pk).exists()


def test_A12_removing_needs_a_fresh_sign_in(client: Client, olga: tuple[User, Authenticator]) -> None:
    person, authenticator = olga
    give_password(client, person)
    use(client, authenticator)
    add(client, Authenticator())
    age_session(client, 601, sessions.FRESH_KEY)
    mine = WebAuthnCredential.objects.latest("pk")
    assert client.post(f"/admin/second-factor/remove/passkey/{mine.pk}/")["Location"].startswith(AGAIN)
    assert WebAuthnCredential.objects.count() == 2


def test_A12_a_fresh_sign_in_takes_password_and_passkey(client: Client, olga: tuple[User, Authenticator]) -> None:
    person, authenticator = olga
    give_password(client, person)
    use(client, authenticator)
    age_session(client, 601, sessions.FRESH_KEY)
    for wrong in ({"password": "wrong"}, {"password": ""}):
        assert use(client, authenticator, AGAIN, **wrong).status_code == 200
    for typed in ({"password": PASSWORD}, {"password": PASSWORD, "passkey": "{}", "challenge": "x"}):
        assert client.post(AGAIN, typed).status_code == 200
    assert client.get(NEW).status_code == 302
    assert use(client, authenticator, AGAIN, password=PASSWORD, next=NEW)["Location"] == NEW
    assert client.get(NEW).status_code == 200


def test_A14_the_reset_removes_passkeys_too(client: Client, olga: tuple[User, Authenticator]) -> None:
    person, authenticator = olga
    give_password(client, person)
    use(client, authenticator)
    call_command("reset_second_factor", person.username)
    assert not WebAuthnCredential.objects.exists() and not WebAuthnUserHandle.objects.exists()
    assert not second_factor.is_enrolled(person.pk) and not is_in(client)


def test_elsewhere_than_at_the_address_of_the_site_it_says_so_and_an_app_works(
    olga: tuple[User, Authenticator], owner: User, moderator: User
) -> None:
    elsewhere = Client(HTTP_HOST="127.0.0.1:8000")
    give_password(elsewhere, owner)
    page = elsewhere.get(FACTOR).content.decode()
    assert "works only at http://localhost:8000" in page and "passkey-options" not in page
    elsewhere.post("/admin/logout/")
    give_password(elsewhere, moderator)
    page = elsewhere.get(NEW).content.decode()
    assert "Passkeys work only at http://localhost:8000" in page and "passkey-options" not in page
    enroll(elsewhere)
    assert is_in(elsewhere)


def test_owners_see_that_an_account_has_a_passkey_and_no_page_shows_it(
    client: Client, olga: tuple[User, Authenticator]
) -> None:
    person, authenticator = olga
    give_password(client, person)
    use(client, authenticator)
    row = client.get("/admin/auth/user/").content.decode()
    assert re.search(r'field-signs_in_with">password, second factor<', row)
    assert client.get("/admin/django_otp_webauthn/webauthncredential/").status_code == 404
