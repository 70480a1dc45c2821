"""Sessions of staff: when they end, and when a sign-in is fresh."""

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


def age_session(client: Client, seconds: float, *times: str) -> None:
    """Set these timestamps of a session back by so many seconds."""
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
    planted = session.session_key or ""
    client.cookies["sessionid"] = planted
    client.post(LOGIN, {"username": moderator.username, "password": PASSWORD})
    first = client.session.session_key
    assert is_in(client) and first != planted and "planted" not in client.session
    client.post(LOGIN, {"username": moderator.username, "password": PASSWORD})
    assert client.session.session_key != first, "also over a session of one's own"


def test_A4_the_second_factor_makes_a_new_key(moderator: User) -> None:
    key = second_factor.new_totp_key()
    second_factor.enroll(moderator, key, code_of(key, ahead=-1), keep_session=None)
    client = log_in(moderator)
    before = client.session.session_key
    client.post("/admin/second-factor/", {"code": code_of(key)})
    assert is_in(client) and client.session.session_key != before
    assert not Session.objects.filter(pk=before).exists()


@pytest.mark.parametrize(("minutes", "stays"), [(29, True), (31, False)])
def test_A4_half_an_hour_without_a_request_ends_the_session(moderator: User, minutes: int, stays: bool) -> None:
    client = log_in(moderator)
    age_session(client, minutes * 60)
    key = client.session.session_key
    assert is_in(client) == stays
    assert Session.objects.filter(pk=key).exists() == stays
    assert is_in(client) == stays


@pytest.mark.parametrize(("hours", "stays"), [(11.9, True), (12.1, False)])
def test_A4_twelve_hours_end_even_a_busy_session(moderator: User, hours: float, stays: bool) -> None:
    client = log_in(moderator)
    age_session(client, hours * 3600, sessions.STARTED_KEY)
    assert is_in(client) == stays


def test_A4_a_request_updates_the_last_seen_time(moderator: User) -> None:
    client = log_in(moderator)
    age_session(client, 20 * 60)
    assert is_in(client)
    assert time.time() - client.session[sessions.LAST_SEEN_KEY] < 60
    age_session(client, 20 * 60)
    assert is_in(client)


def test_A4_a_session_without_timestamps_has_expired(moderator: User) -> None:
    client = log_in(moderator)
    session = client.session
    del session[sessions.STARTED_KEY]
    session.save()
    assert not is_in(client)


def test_A4_a_new_password_ends_all_other_sessions(moderator: User) -> None:
    mine, other = log_in(moderator), log_in(moderator)
    key = other.session.session_key
    new = {"old_password": PASSWORD, "new_password1": "quite another one", "new_password2": "quite another one"}
    assert mine.post("/admin/password_change/", new).status_code == 302
    assert is_in(mine) and not is_in(other)
    assert not Session.objects.filter(pk=key).exists()
    assert AuditEntry.objects.filter(action="set-password", staff_id=moderator.pk).count() == 1


def test_A4_a_new_second_factor_ends_all_other_sessions(moderator: User) -> None:
    mine, other = log_in(moderator), log_in(moderator)
    mine.get("/admin/second-factor/new/")
    mine.post("/admin/second-factor/new/", {"code": code_of(mine.session["pending-second-factor"])})
    assert is_in(mine) and not is_in(other)


def test_A4_deactivating_an_account_ends_its_sessions_for_good(moderator: User, owner: User) -> None:
    theirs, owners = log_in(moderator), log_in(owner)
    page = f"/admin/auth/user/{moderator.pk}/change/"
    assert owners.post(page, {"email": "m@example.org", "groups": [moderator.groups.get().pk]}).status_code == 302
    assert not is_in(theirs)
    owners.post(page, {"email": "m@example.org", "groups": [moderator.groups.get().pk], "is_active": "on"})
    assert not is_in(theirs)
    assert AuditEntry.objects.filter(action="set-account", staff_id=owner.pk, detail__account=moderator.pk).count() == 2


def test_A4_an_account_that_is_no_longer_staff_ends_at_the_login(moderator: User) -> None:
    client = log_in(moderator)
    User.objects.filter(pk=moderator.pk).update(is_staff=False)
    answer = client.get("/admin/", follow=True)
    assert answer.status_code == 200 and "id_password" in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_A4_sessions_of_other_accounts_go_on(moderator: User, owner: User) -> None:
    mine, other = log_in(moderator), log_in(owner)
    assert sessions.end_all(moderator.pk) == 1
    assert is_in(other) and not is_in(mine)


def test_a_public_page_touches_no_session(moderator: User, letter: Any, django_assert_num_queries: Any) -> None:
    client = log_in(moderator)
    age_session(client, 20 * 60)
    seen = client.session[sessions.LAST_SEEN_KEY]
    assert "Cookie" not in client.get("/letters/bridge/").headers.get("Vary", "")
    assert client.session[sessions.LAST_SEEN_KEY] == seen


def test_a_logout_is_in_the_audit_log(moderator: User) -> None:
    client = log_in(moderator)
    client.post("/admin/logout/")
    assert not is_in(client)
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")] == ["login", "logout"]
    assert {entry.staff_id for entry in AuditEntry.objects.all()} == {moderator.pk}


# Fresh


@pytest.fixture
def rate_limit(db: None) -> RateLimit:
    return RateLimit.objects.get(scope="network", seconds=600)


def dangerous(letter: int, rate_limit: int, person: int) -> dict[str, str]:
    return {
        f"/admin/signatures/signedletter/{letter}/export/csv/": "POST",
        f"/admin/signatures/signedletter/{letter}/export/pdf/": "POST",
        f"/admin/signatures/delivery/freeze/{letter}/": "POST",
        f"/admin/signatures/delivery/look/{letter}/": "POST",
        "/admin/signatures/delivery/1/copy/": "POST",
        "/admin/signatures/delivery/1/files/package/": "POST",
        "/admin/signatures/delivery/1/step/void/": "POST",
        "/admin/signatures/paperimport/import/": "GET",
        "/admin/signatures/paperimport/1/columns/": "POST",
        "/admin/signatures/paperimport/1/preview/": "POST",
        "/admin/signatures/paperimport/1/refused/": "GET",
        "/admin/signatures/paperimport/1/undo/": "POST",
        "/admin/auth/user/add/": "GET",
        f"/admin/auth/user/{person}/change/": "POST",
        "/admin/auth/user/": "POST",
        "/admin/signatures/ratelimit/add/": "GET",
        f"/admin/signatures/ratelimit/{rate_limit}/change/": "POST",
        f"/admin/signatures/ratelimit/{rate_limit}/delete/": "POST",
        "/admin/second-factor/codes/": "POST",
        "/admin/second-factor/new/": "GET",
        "/admin/password_change/": "GET",
    }


def test_A12_dangerous_actions_need_a_fresh_sign_in(owner: User, ada: Signature, rate_limit: RateLimit) -> None:
    client = log_in(owner)
    for address, method in dangerous(ada.letter_id, rate_limit.pk, owner.pk).items():
        age_session(client, 601, sessions.FRESH_KEY)
        answer = client.generic(method, address)
        assert answer.status_code == 302 and answer["Location"].startswith(AGAIN), address
    assert not AuditEntry.objects.filter(action__startswith="export").exists()
    assert client.get("/admin/signatures/ratelimit/").status_code == 200, "looking is no danger"


def test_A12_after_nine_minutes_a_sign_in_is_still_fresh(owner: User, rate_limit: RateLimit) -> None:
    client = log_in(owner)
    age_session(client, 9 * 60, sessions.FRESH_KEY)
    assert client.get(f"/admin/signatures/ratelimit/{rate_limit.pk}/change/").status_code == 200


def test_A12_signing_in_again_returns_to_the_page(owner: User, rate_limit: RateLimit) -> None:
    client = log_in(owner)
    age_session(client, 601, sessions.FRESH_KEY)
    page = f"/admin/signatures/ratelimit/{rate_limit.pk}/change/"
    asked = client.get(page, follow=True)
    assert "sign in again" in asked.content.decode()
    before = client.session.session_key

    answer = client.post(AGAIN, {"password": PASSWORD, "next": page})

    assert (answer.status_code, answer["Location"]) == (302, page)
    assert client.get(page).status_code == 200 and client.session.session_key != before
    assert AuditEntry.objects.filter(action="login-again", staff_id=owner.pk).count() == 1


def test_A12_an_enrolled_account_needs_both_and_a_wrong_password_uses_up_no_code(
    owner: User, rate_limit: RateLimit
) -> None:
    key = second_factor.new_totp_key()
    second_factor.enroll(owner, key, code_of(key, ahead=-1), keep_session=None)
    client = log_in(owner)
    client.post("/admin/second-factor/", {"code": code_of(key)})
    age_session(client, 601, sessions.FRESH_KEY)
    code = code_of(key, ahead=1)
    for typed in ({"password": PASSWORD}, {"password": PASSWORD, "code": "000"}, {"password": "wrong", "code": code}):
        assert client.post(AGAIN, typed).status_code == 200
        assert not sessions.is_fresh(type("Request", (), {"session": client.session})())
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    assert client.post(AGAIN, {"password": PASSWORD, "code": code}).status_code == 302


def test_A12_guesses_when_signing_in_again_are_limited_too(owner: User) -> None:
    client = log_in(owner)
    statuses = [client.post(AGAIN, {"password": "wrong"}).status_code for _time in range(7)]
    assert statuses == [200] * 5 + [429] * 2


def test_A19_attempts_of_neighbors_in_the_network_do_not_stop_whoever_signs_in_again(owner: User) -> None:
    client = log_in(owner)
    for number in range(52):
        Client().post(LOGIN, {"username": owner.username if number < 6 else f"n{number}", "password": "wrong"})
    assert Client().post(LOGIN, {"username": owner.username, "password": PASSWORD}).status_code == 429
    assert client.post(AGAIN, {"password": PASSWORD}).status_code == 302


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
def test_P10_signing_in_again_never_redirects_to_another_site(owner: User, elsewhere: str) -> None:
    client = log_in(owner)
    answer = client.post(AGAIN, {"password": PASSWORD, "next": elsewhere})
    assert answer["Location"] == "/admin/"
    assert (
        Client().post(LOGIN, {"username": owner.username, "password": PASSWORD, "next": elsewhere})["Location"]
        == "/admin/"
    )
