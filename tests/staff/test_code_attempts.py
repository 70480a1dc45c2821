"""How many second-factor codes may be tried, by whom, and that a stranger's attempts do not lock the owner out."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from signatures.models import AuditEntry
from signatures.screening import rate_limits
from signatures.staff import passkeys, second_factor
from tests.staff.authenticator import Authenticator
from tests.staff.test_second_factor import FACTOR, code_of

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
KEY = b"12345678901234567890".hex()
THREAT_MODEL = Path(__file__).parents[2] / "docs" / "threat-model" / "index.md"


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


def attack(person: User, *, seconds: int, pass_time: Callable[[float], None]) -> int:
    """Wrong codes from many networks, one in five seconds. Returns the number of them that were looked at."""
    looked_at = 0
    for second in range(0, seconds, 5):
        looked_at += guess(person, int(rate_limits.now()) % 86400 + second) == 200
        pass_time(5)
    return looked_at


def two_codes(first: int = 0, second: int = 1) -> dict[str, str]:
    """What the app shows so many steps from now."""
    return {"code": code_of(KEY, ahead=first), "next_code": code_of(KEY, ahead=second)}


def test_A19_under_an_attack_without_a_pause_two_codes_in_a_row_open_a_new_browser(
    ellen: User, pass_time: Callable[[float], None]
) -> None:
    assert 0 < attack(ellen, seconds=90, pass_time=pass_time) <= 4
    began, new, codes = rate_limits.now(), visitor(ellen), two_codes()

    refused = new.post(FACTOR, {"code": codes["code"]})

    page = refused.content.decode()
    assert refused.status_code == 429 and "wait for the next one, and type that, too" in page
    assert f'value="{codes["code"]}"' in page and page.count('autocomplete="one-time-code"') == 2
    attack(ellen, seconds=30, pass_time=pass_time)
    answer = new.post(FACTOR, {**codes, "next": "/admin/signatures/ratelimit/"})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/signatures/ratelimit/")
    assert new.get("/admin/").status_code == 200 and rate_limits.now() - began < 60
    assert AuditEntry.objects.filter(action="login", staff_id=ellen.pk, detail__by="app").count() == 1


def said(answer: Any) -> tuple[int, str]:
    """Status and page of a response, without what differs from page to page."""
    return answer.status_code, re.sub(r'nonce="[^"]+"|value="[A-Za-z0-9]{64}"', "", answer.content.decode())


def test_A2_two_codes_must_follow_one_another_and_a_refusal_does_not_tell_which_was_wrong(ellen: User) -> None:
    wrong = f"{(int(code_of(KEY)) + 1) % 1_000_000:06d}"
    pairs = {
        "the same twice": two_codes(0, 0),
        "not one after the other": two_codes(-1, 1),
        "in the wrong order": two_codes(1, 0),
        "too early": two_codes(2, 3),
        "too late": two_codes(-4, -3),
        "the first is wrong": {"code": wrong, "next_code": code_of(KEY, ahead=1)},
        "the second is wrong": {"code": code_of(KEY), "next_code": wrong},
        "both are wrong": {"code": wrong, "next_code": wrong},
        "the second is none": {"code": code_of(KEY), "next_code": "-"},
    }
    answers = {
        why: said(visitor(ellen, f"198.51.{number}.1").post(FACTOR, typed))
        for number, (why, typed) in enumerate(pairs.items())
    }
    status, page = answers["both are wrong"]
    assert status == 200 and "These are not two codes that follow one another" in page and wrong not in page
    assert {why for why, answer in answers.items() if answer != (status, page)} == set()
    assert AuditEntry.objects.filter(action="second-factor-failed").count() == len(pairs)


def test_A2_neither_of_two_codes_may_have_been_used_before_and_both_are_used_up(ellen: User) -> None:
    step, codes = TOTP(bytes.fromhex(KEY)).t(), two_codes()
    for used in (step + 1, step):
        TOTPDevice.objects.update(last_t=used)
        assert visitor(ellen).post(FACTOR, codes).status_code == 200, "the second, then the first, was used"
    TOTPDevice.objects.update(last_t=step - 1)
    assert visitor(ellen).post(FACTOR, codes).status_code == 302
    assert TOTPDevice.objects.get().last_t == step + 1
    for again in (codes, {"code": codes["next_code"]}, {"code": codes["code"]}):
        assert visitor(ellen).post(FACTOR, again).status_code == 200


@pytest.mark.parametrize(("drift", "first"), [(0, -2), (0, -1), (0, 0), (7, 7), (-7, -8)])
def test_A19_two_codes_may_be_as_early_or_late_as_one(ellen: User, drift: int, first: int) -> None:
    TOTPDevice.objects.update(drift=drift)
    typed = two_codes(first, first + 1)
    assert second_factor.verify_code(ellen, **typed) is not None
    app = TOTPDevice.objects.get()
    assert app.drift == first + 1 and app.last_used_at is not None
    assert second_factor.verify_code(ellen, **typed) is None


def test_A2_a_second_code_that_is_left_empty_makes_no_pair_of_one_code(ellen: User) -> None:
    for number in range(3):
        guess(ellen, number)
    assert visitor(ellen).post(FACTOR, {"code": code_of(KEY), "next_code": " "}).status_code == 429


def test_A2_one_network_has_five_pairs_in_ten_minutes(ellen: User, pass_time: Callable[[float], None]) -> None:
    client, statuses = visitor(ellen), []
    for _minute in range(8):
        statuses.append(client.post(FACTOR, {"code": "000000", "next_code": "000000"}).status_code)
        pass_time(60)
    assert statuses == [200] * 5 + [429] * 3


def test_A19_wrong_codes_from_ones_own_network_leave_two_codes_and_recovery_codes(
    ellen: User, pass_time: Callable[[float], None]
) -> None:
    codes = second_factor.replace_recovery_codes(ellen)
    for _minute in range(7):
        visitor(ellen).post(FACTOR, {"code": "000000"})
        pass_time(60)
    for typed in ({"code": codes[0], "next_code": ""}, two_codes()):
        assert visitor(ellen).post(FACTOR, {"code": code_of(KEY)}).status_code == 429
        assert visitor(ellen).post(FACTOR, typed).status_code == 302


def test_A19_an_account_without_an_app_is_asked_for_a_recovery_code(ellen: User) -> None:
    codes = second_factor.replace_recovery_codes(ellen)
    key = Authenticator()
    options, challenge = passkeys.begin_new(ellen)
    assert passkeys.create(ellen, "Blue key", key.create(options), challenge)
    TOTPDevice.objects.all().delete()
    for number in range(3):
        guess(ellen, number)
    refused = visitor(ellen).post(FACTOR, {"code": "123456"})
    assert refused.status_code == 429 and "type one of your recovery codes" in refused.content.decode()
    options, challenge = passkeys.begin_login(ellen)
    answer = {"passkey": key.get(options), "challenge": challenge}
    assert visitor(ellen).post(FACTOR, answer).status_code == 302, "the passkey works meanwhile"
    assert visitor(ellen).post(FACTOR, {"code": codes[0]}).status_code == 302


def test_A19_a_recovery_code_works_from_anywhere_at_any_time(ellen: User) -> None:
    codes = second_factor.replace_recovery_codes(ellen)
    for number in range(60):
        guess(ellen, number)
    assert visitor(ellen).post(FACTOR, {"code": codes[0]}).status_code == 302


def test_A2_of_a_hundred_guesses_in_a_minute_from_as_many_networks_two_are_looked_at(ellen: User) -> None:
    statuses = [guess(ellen, number) for number in range(100)]
    assert statuses == [200] * 2 + [429] * 98
    assert visitor(ellen).post(FACTOR, {"code": code_of(KEY)}).status_code == 429, "not even the right one"


def test_A2_of_the_guesses_of_a_day_thirty_are_looked_at_and_two_codes_still_work(
    ellen: User, pass_time: Callable[[float], None]
) -> None:
    looked_at = 0
    for number in range(35):
        looked_at += guess(ellen, number) == 200
        pass_time(60)
    assert looked_at == 30
    assert visitor(ellen).post(FACTOR, {"code": code_of(KEY)}).status_code == 429
    assert visitor(ellen).post(FACTOR, two_codes()).status_code == 302
    assert visitor(ellen).post(FACTOR, {"code": code_of(KEY)}).status_code == 429
    pass_time(26 * 60 * 60)
    forget_last_code()
    assert visitor(ellen).post(FACTOR, {"code": code_of(KEY)}).status_code == 302


def test_A2_the_threat_model_states_what_a_year_of_guesses_at_the_greatest_rate_finds() -> None:
    limits = {f"{scope} {seconds}": count for scope, seconds, count in rate_limits.DEFAULT_LIMITS}
    steps = 2 * TOTPDevice(key=KEY).tolerance + 1  # whose codes are accepted at a time
    by_one_code = 1 - (1 - steps / 10**6) ** (limits["code 86400"] * 365)
    pairs = limits["login 600"] * 6 * 24 * 365  # of one network
    by_pairs, by_many = pairs * steps / 10**12, 1 - (1 - steps / 10**12) ** (pairs * 10_000)
    [row] = [line for line in THREAT_MODEL.read_text().splitlines() if line.startswith("| [A2]")]
    assert f"{by_one_code:.1%} by single codes" in row
    assert f"{by_pairs * 10**7:.0f} in ten million for each network" in row and f"{by_many:.1%} for ten thousand" in row


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
