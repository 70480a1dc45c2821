"""A session of staff ends: by itself, and with whatever it was built on. What is dangerous asks for a fresh one."""

import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from signatures.models import AuditEntry, RateLimit, Signature
from signatures.staff import second_factor, sessions
from tests.conftest import PASSWORD
from tests.staff.test_second_factor import code_of

pytestmark = pytest.mark.django_db
LOGIN, AGAIN = "/admin/login/", "/admin/again/"


def log_in(person: User, **more: Any) -> Client:
    client = Client(**more)
    client.post(LOGIN, {"username": person.username, "password": PASSWORD})
    return client


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def let_pass(client: Client, seconds: float, *times: str) -> None:
    """As if that long had gone by since these times of the session."""
    session = client.session
    for name in times or (sessions.STARTED_KEY, sessions.LAST_SEEN_KEY, sessions.FRESH_KEY):
        session[name] -= seconds
    session.save()


def test_A4_a_login_makes_a_new_key(moderator: User) -> None:
    client = Client()
    client.get(LOGIN)
    session = client.session
    session["planted"] = "by whoever sent the link"
    session.save()
    planted = session.session_key
    client.cookies["sessionid"] = planted
    client.post(LOGIN, {"username": moderator.username, "password": PASSWORD})
    first = client.session.session_key
    assert is_in(client) and first != planted and "planted" not in client.session
    client.post(LOGIN, {"username": moderator.username, "password": PASSWORD})
    assert client.session.session_key != first, "also over a session of one's own"


def test_A4_and_so_does_the_second_factor(moderator: User) -> None:
    key = second_factor.new_totp_key()
    second_factor.enroll(moderator, key, code_of(key, ahead=-1), but=None)
    client = log_in(moderator)
    before = client.session.session_key
    client.post("/admin/second-factor/", {"code": code_of(key)})
    assert is_in(client) and client.session.session_key != before
    assert not Session.objects.filter(pk=before).exists()


@pytest.mark.parametrize(("minutes", "stays"), [(29, True), (31, False)])
def test_A4_half_an_hour_without_a_request_ends_it(moderator: User, minutes: int, stays: bool) -> None:
    client = log_in(moderator)
    let_pass(client, minutes * 60)
    key = client.session.session_key
    assert is_in(client) == stays
    assert Session.objects.filter(pk=key).exists() == stays
    assert is_in(client) == stays


@pytest.mark.parametrize(("hours", "stays"), [(11.9, True), (12.1, False)])
def test_A4_twelve_hours_end_it_however_busy(moderator: User, hours: float, stays: bool) -> None:
    client = log_in(moderator)
    let_pass(client, hours * 3600, sessions.STARTED_KEY)
    assert is_in(client) == stays


def test_A4_a_request_is_noted_so_that_a_busy_session_stays(moderator: User) -> None:
    client = log_in(moderator)
    let_pass(client, 20 * 60)
    assert is_in(client)
    assert time.time() - client.session[sessions.LAST_SEEN_KEY] < 60
    let_pass(client, 20 * 60)
    assert is_in(client)


def test_A4_a_session_that_knows_no_times_is_none(moderator: User) -> None:
    client = log_in(moderator)
    session = client.session
    del session[sessions.STARTED_KEY]
    session.save()
    assert not is_in(client)


def test_A4_another_password_ends_all_others(moderator: User) -> None:
    mine, other = log_in(moderator), log_in(moderator)
    key = other.session.session_key
    new = {"old_password": PASSWORD, "new_password1": "quite another one", "new_password2": "quite another one"}
    assert mine.post("/admin/password_change/", new).status_code == 302
    assert is_in(mine) and not is_in(other)
    assert not Session.objects.filter(pk=key).exists()
    assert AuditEntry.objects.filter(action="set-password", staff_id=moderator.pk).count() == 1


def test_A4_another_factor_ends_all_others(moderator: User) -> None:
    mine, other = log_in(moderator), log_in(moderator)
    mine.get("/admin/second-factor/new/")
    mine.post("/admin/second-factor/new/", {"code": code_of(mine.session["pending-factor"])})
    assert is_in(mine) and not is_in(other)


def test_A4_an_account_that_is_closed_is_out_and_stays_out_when_it_opens_again(moderator: User, owner: User) -> None:
    theirs, owners = log_in(moderator), log_in(owner)
    page = f"/admin/auth/user/{moderator.pk}/change/"
    assert owners.post(page, {"email": "m@example.org", "groups": [moderator.groups.get().pk]}).status_code == 302
    assert not is_in(theirs)
    owners.post(page, {"email": "m@example.org", "groups": [moderator.groups.get().pk], "is_active": "on"})
    assert not is_in(theirs)
    assert AuditEntry.objects.filter(action="set-account", staff_id=owner.pk, detail__account=moderator.pk).count() == 2


def test_A4_who_is_staff_no_more_ends_at_the_login(moderator: User) -> None:
    client = log_in(moderator)
    User.objects.filter(pk=moderator.pk).update(is_staff=False)
    answer = client.get("/admin/", follow=True)
    assert answer.status_code == 200 and "id_password" in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_A4_nobody_elses_session_ends(moderator: User, owner: User) -> None:
    mine, other = log_in(moderator), log_in(owner)
    assert sessions.end_all(moderator.pk) == 1
    assert is_in(other) and not is_in(mine)


def test_a_public_page_touches_no_session(moderator: User, letter: Any, django_assert_num_queries: Any) -> None:
    client = log_in(moderator)
    let_pass(client, 20 * 60)
    seen = client.session[sessions.LAST_SEEN_KEY]
    assert "Cookie" not in client.get("/letters/bridge/").headers.get("Vary", "")
    assert client.session[sessions.LAST_SEEN_KEY] == seen


def test_leaving_is_in_the_trail(moderator: User) -> None:
    client = log_in(moderator)
    client.post("/admin/logout/")
    assert not is_in(client)
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")] == ["login", "logout"]
    assert {entry.staff_id for entry in AuditEntry.objects.all()} == {moderator.pk}


# Fresh


@pytest.fixture
def row(db: None) -> RateLimit:
    return RateLimit.objects.get(scope="network", seconds=600)


def dangerous(letter: int, row: int, person: int) -> dict[str, str]:
    return {
        f"/admin/signatures/signedletter/{letter}/export/csv/": "POST",
        f"/admin/signatures/signedletter/{letter}/export/pdf/": "POST",
        f"/admin/signatures/delivery/freeze/{letter}/": "POST",
        "/admin/signatures/delivery/1/files/package/": "POST",
        "/admin/signatures/delivery/1/step/void/": "POST",
        "/admin/signatures/paperimport/import/": "GET",
        "/admin/signatures/paperimport/take/": "POST",
        "/admin/signatures/paperimport/1/undo/": "POST",
        "/admin/auth/user/add/": "GET",
        f"/admin/auth/user/{person}/change/": "POST",
        "/admin/auth/user/": "POST",
        "/admin/signatures/ratelimit/add/": "GET",
        f"/admin/signatures/ratelimit/{row}/change/": "POST",
        f"/admin/signatures/ratelimit/{row}/delete/": "POST",
        "/admin/second-factor/codes/": "POST",
        "/admin/second-factor/new/": "GET",
        "/admin/password_change/": "GET",
    }


def test_A12_what_is_dangerous_is_done_by_a_fresh_sign_in_alone(owner: User, ada: Signature, row: RateLimit) -> None:
    client = log_in(owner)
    for address, method in dangerous(ada.letter_id, row.pk, owner.pk).items():
        let_pass(client, 601, sessions.FRESH_KEY)
        answer = client.generic(method, address)
        assert answer.status_code == 302 and answer["Location"].startswith(AGAIN), address
    assert not AuditEntry.objects.filter(action__startswith="export").exists()
    assert client.get("/admin/signatures/ratelimit/").status_code == 200, "looking is no danger"


def test_A12_nine_minutes_later_it_is_still_fresh(owner: User, row: RateLimit) -> None:
    client = log_in(owner)
    let_pass(client, 9 * 60, sessions.FRESH_KEY)
    assert client.get(f"/admin/signatures/ratelimit/{row.pk}/change/").status_code == 200


def test_A12_who_signs_in_again_comes_back_to_where_they_were(owner: User, row: RateLimit) -> None:
    client = log_in(owner)
    let_pass(client, 601, sessions.FRESH_KEY)
    page = f"/admin/signatures/ratelimit/{row.pk}/change/"
    asked = client.get(page, follow=True)
    assert "sign in again" in asked.content.decode()
    before = client.session.session_key

    answer = client.post(AGAIN, {"password": PASSWORD, "next": page})

    assert (answer.status_code, answer["Location"]) == (302, page)
    assert client.get(page).status_code == 200 and client.session.session_key != before
    assert AuditEntry.objects.filter(action="login-again", staff_id=owner.pk).count() == 1


def test_A12_what_was_posted_is_not_done_and_is_to_be_pressed_again(owner: User, ada: Signature) -> None:
    client = log_in(owner)
    let_pass(client, 601, sessions.FRESH_KEY)
    page = f"/admin/signatures/signedletter/{ada.letter_id}/change/"
    asked = client.post(
        f"/admin/signatures/signedletter/{ada.letter_id}/export/csv/", headers={"referer": f"http://testserver{page}"}
    )
    answer = client.post(asked["Location"], {"password": PASSWORD, "next": page, "pressed": "1"}, follow=True)
    assert answer.redirect_chain == [(page, 302)]
    assert "press the button again" in answer.content.decode()
    assert not AuditEntry.objects.filter(action__startswith="export").exists()


def test_A12_with_a_factor_both_are_asked_and_a_wrong_password_spends_no_code(owner: User, row: RateLimit) -> None:
    key = second_factor.new_totp_key()
    second_factor.enroll(owner, key, code_of(key, ahead=-1), but=None)
    client = log_in(owner)
    client.post("/admin/second-factor/", {"code": code_of(key)})
    let_pass(client, 601, sessions.FRESH_KEY)
    code = code_of(key, ahead=1)
    for typed in ({"password": PASSWORD}, {"password": PASSWORD, "code": "000"}, {"password": "wrong", "code": code}):
        assert client.post(AGAIN, typed).status_code == 200
        assert not sessions.is_fresh(type("Request", (), {"session": client.session})())
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    assert client.post(AGAIN, {"password": PASSWORD, "code": code}).status_code == 302


def test_A12_guessing_there_is_limited_too(owner: User) -> None:
    client = log_in(owner)
    statuses = [client.post(AGAIN, {"password": "wrong"}).status_code for _time in range(7)]
    assert statuses == [200] * 5 + [429] * 2


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/admin/",
        "/letters/bridge/",
        "javascript:alert(1)",
        "",
    ],
)
def test_P10_from_there_nobody_is_led_elsewhere(owner: User, elsewhere: str) -> None:
    client = log_in(owner)
    answer = client.post(AGAIN, {"password": PASSWORD, "next": elsewhere})
    assert answer["Location"] == "/admin/"
    assert (
        Client().post(LOGIN, {"username": owner.username, "password": PASSWORD, "next": elsewhere})["Location"]
        == "/admin/"
    )
