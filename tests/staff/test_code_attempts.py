"""How many second-factor codes may be tried, by whom, and that a stranger's attempts do not lock the owner out."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from signatures.screening import rate_limits
from signatures.staff import second_factor
from tests.staff.test_second_factor import FACTOR, code_of

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
KEY = b"12345678901234567890".hex()


@pytest.fixture(autouse=True)
def public_site(settings: Any) -> None:
    settings.LOCAL_MODE = False


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`pass_time(61)`: for the limits. Their clock stands still otherwise, at the beginning of ten minutes."""
    now = [time.time() // 86400 * 86400 + 600]
    monkeypatch.setattr(rate_limits, "now", lambda: now[0])

    def wait(seconds: float) -> None:
        now[0] += seconds

    return wait


@pytest.fixture
def ellen(db: None, pass_time: Callable[[float], None]) -> User:
    """A member of staff with a second factor."""
    person = User.objects.create_user("ellen", password="a long enough password", is_staff=True)
    TOTPDevice.objects.create(user=person, name="app", key=KEY)
    return person


def visitor(person: User, network: str = "203.0.113.7") -> Client:
    """A browser in which the password of this person was given."""
    client = Client(REMOTE_ADDR=network)
    client.force_login(person)
    return client


def forget_last_code() -> None:
    TOTPDevice.objects.update(last_t=-1)  # as if it had been long ago


def guess(person: User, number: int) -> int:
    """Tries a wrong code from the network of this number. Returns the status."""
    wrong = f"{(int(code_of(KEY)) + 500 + number) % 1_000_000:06d}"
    return visitor(person, f"10.{number // 250}.{number % 250}.1").post(FACTOR, {"code": wrong}).status_code


def test_A19_after_wrong_codes_from_elsewhere_the_right_one_works_within_a_minute(
    ellen: User, pass_time: Callable[[float], None]
) -> None:
    for number in range(24):
        guess(ellen, number)
        pass_time(15)  # so that a dozen are looked at
    pass_time(60)
    assert visitor(ellen).post(FACTOR, {"code": code_of(KEY)}).status_code == 302


def test_A19_a_browser_that_was_signed_in_before_need_not_wait_at_all(ellen: User) -> None:
    client = visitor(ellen)
    assert client.post(FACTOR, {"code": code_of(KEY)}).status_code == 302
    client.post("/admin/logout/")
    forget_last_code()
    for number in range(60):
        guess(ellen, number)
    client.force_login(ellen)
    assert client.post(FACTOR, {"code": code_of(KEY)}).status_code == 302


def test_A19_a_recovery_code_works_from_anywhere_at_any_time(ellen: User) -> None:
    codes = second_factor.replace_recovery_codes(ellen)
    for number in range(60):
        guess(ellen, number)
    assert visitor(ellen).post(FACTOR, {"code": codes[0]}).status_code == 302


def test_A2_of_a_hundred_guesses_in_a_minute_from_as_many_networks_two_are_looked_at(ellen: User) -> None:
    statuses = [guess(ellen, number) for number in range(100)]
    assert statuses == [200] * 2 + [429] * 98
    assert visitor(ellen).post(FACTOR, {"code": code_of(KEY)}).status_code == 429, "not even the right one"


def test_A2_of_thousands_of_guesses_in_an_hour_a_hundred_and_twenty_are_looked_at(
    ellen: User, pass_time: Callable[[float], None]
) -> None:
    looked_at = 0
    for minute in range(60):
        looked_at += sum(guess(ellen, minute * 4 + number) == 200 for number in range(4))
        pass_time(60)
    assert looked_at == 120


def test_A2_one_network_has_five_guesses_in_ten_minutes(ellen: User, pass_time: Callable[[float], None]) -> None:
    client, statuses = visitor(ellen), []
    for _minute in range(8):
        statuses.append(client.post(FACTOR, {"code": "000000"}).status_code)
        pass_time(60)
    assert statuses == [200] * 5 + [429] * 3


def test_A2_a_browser_that_was_signed_in_before_has_five_guesses_too(ellen: User) -> None:
    client = visitor(ellen)
    client.post(FACTOR, {"code": code_of(KEY)})
    client.post("/admin/logout/")
    client.force_login(ellen)
    assert [client.post(FACTOR, {"code": "000000"}).status_code for _time in range(7)] == [200] * 5 + [429] * 2


def test_A19_the_mark_of_another_account_or_a_forged_one_helps_nobody(ellen: User, moderator: User) -> None:
    TOTPDevice.objects.create(user=moderator, name="app", key=KEY)
    other = visitor(moderator)
    assert other.post(FACTOR, {"code": code_of(KEY)}).status_code == 302
    mark = other.cookies["known_browser"]
    assert mark["httponly"] and mark["samesite"] == "Lax" and mark["path"] == "/admin/"
    for number in range(3):
        guess(ellen, number)
    for value in (mark.value, f"{ellen.pk}:0123", f"{ellen.pk}{mark.value[mark.value.index(':') :]}"):
        client = visitor(ellen)
        client.cookies["known_browser"] = value
        assert client.post(FACTOR, {"code": code_of(KEY)}).status_code == 429
