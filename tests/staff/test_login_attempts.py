"""Limits on login attempts."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from signatures.models import AuditEntry, OutboxMail
from signatures.screening import rate_limits
from signatures.staff import known_browsers
from tests.conftest import PASSWORD
from tests.staff.accounts import FORGOTTEN, LOGIN

pytestmark = pytest.mark.django_db


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


def test_A15_a_48_of_ipv6_has_no_more_attempts_than_one_network(olga: User) -> None:
    answers = [give(f"n{number}", network=f"2001:db8:7:{number:x}::1").status_code for number in range(52)]
    assert answers == [200] * 50 + [429] * 2
    assert [entry.action for entry in AuditEntry.objects.filter(action="login-flood")] == ["login-flood"]
    assert give("olga", PASSWORD, "2001:db8:8::1").status_code == 302, "another /48"


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


def known_browser_of(person: User) -> Client:
    """A browser in which this person has signed in before, with a second factor. It is where `give` is, too."""
    client, response = Client(REMOTE_ADDR="203.0.113.7"), HttpResponse()
    known_browsers.remember(response, person.pk)
    client.cookies = response.cookies
    return client


def test_A19_wrong_passwords_from_the_same_network_do_not_stop_a_browser_used_before(
    olga: User, moderator: User
) -> None:
    for number in range(52):
        give("olga" if number < 6 else f"made-up-{number}")
    right = {"username": "olga@example.org", "password": PASSWORD}
    assert Client(REMOTE_ADDR="203.0.113.8").post(LOGIN, right).status_code == 429, "a new browser in this network"
    assert known_browser_of(moderator).post(LOGIN, right).status_code == 429, "the browser of another account"
    assert known_browser_of(olga).post(LOGIN, right).status_code == 302
    for client, mails in ((Client(REMOTE_ADDR="203.0.113.7"), 0), (known_browser_of(olga), 1)):
        client.post(FORGOTTEN, {"name": "olga"})
        assert OutboxMail.objects.count() == mails


def test_A15_a_browser_used_before_has_five_attempts_too_from_whatever_network(olga: User) -> None:
    known = known_browser_of(olga)
    statuses = [
        known.post(LOGIN, {"username": "olga", "password": "wrong"}, REMOTE_ADDR=f"198.51.{number}.1").status_code
        for number in range(7)
    ]
    assert statuses == [200] * 5 + [429] * 2


def test_A3_a_successful_login_resets_the_attempts(olga: User) -> None:
    for _round in range(3):
        assert [give("olga").status_code for _time in range(4)] == [200] * 4
        assert give("olga", PASSWORD).status_code == 302


def test_A3_the_lock_ends_after_its_time(olga: User, monkeypatch: Any) -> None:
    for _time in range(6):
        give("olga")
    later = rate_limits.now() + 600
    monkeypatch.setattr(rate_limits, "now", lambda: later)
    assert give("olga", PASSWORD).status_code == 302


def test_failed_logins_are_recorded_by_account_id_and_a_flood_of_them_once(olga: User) -> None:
    for _time in range(9):
        give("olga")
    entries = list(AuditEntry.objects.order_by("pk").values_list("action", "staff_id"))
    assert entries == [("login-failed", olga.pk)] * 5 + [("login-locked", olga.pk)]
    for n in range(80):
        give(f"made-up-{n}", network="198.51.100.9")
    flood = AuditEntry.objects.exclude(staff_id=olga.pk)
    assert (flood.filter(action="login-failed").count(), flood.filter(action="login-flood").count()) == (50, 1)
    assert not AuditEntry.objects.filter(reason__gt="").exists()
