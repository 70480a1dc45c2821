"""Hashing passwords: few at a time, and only for networks that did not try too often."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, make_password
from django.contrib.auth.models import User
from django.test import Client

from signatures.models import AuditEntry
from signatures.staff import password_hashing
from tests.conftest import PASSWORD
from tests.staff.accounts import LOGIN

HASHER = "signatures.staff.password_hashing.BoundedArgon2Hasher"


@pytest.fixture
def real_hasher(settings: Any) -> None:
    settings.PASSWORD_HASHERS = [HASHER]


def test_hashes_made_before_still_open(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    before = make_password("a long enough password")
    settings.PASSWORD_HASHERS = [HASHER]
    assert check_password("a long enough password", before) and not check_password("another", before)


def test_A15_of_sixteen_hashes_that_are_asked_for_at_once_two_are_made_at_a_time(
    real_hasher: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    running: list[int] = []
    most: list[int] = []
    lock = threading.Lock()
    hash_once = Argon2PasswordHasher.encode

    def counted(self: Argon2PasswordHasher, password: str, salt: Any) -> str:
        with lock:
            running.append(1)
            most.append(len(running))
        try:
            return hash_once(self, password, salt)
        finally:
            with lock:
                running.pop()

    monkeypatch.setattr(Argon2PasswordHasher, "encode", counted)
    with ThreadPoolExecutor(16) as pool:
        hashes = list(pool.map(make_password, ["a long enough password"] * 16))
    assert len(set(hashes)) == 16 and max(most) == password_hashing.MAX_PARALLEL == 2


@pytest.mark.django_db
def test_A15_a_network_beyond_its_limit_is_refused_before_anything_is_hashed(
    olga: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        assert Client(REMOTE_ADDR="203.0.113.7").post(LOGIN, {"username": f"n{number}"}).status_code == 200
    settings.PASSWORD_HASHERS = [HASHER]
    hashed: list[str] = []
    for name in ("encode", "verify"):
        monkeypatch.setattr(password_hashing.BoundedArgon2Hasher, name, lambda *_args: hashed.append("hashed"))
    begun = time.monotonic()
    for number in range(20):
        form = {"username": "olga" if number % 2 else f"m{number}", "password": PASSWORD}
        assert Client(REMOTE_ADDR="203.0.113.8").post(LOGIN, form).status_code == 429
    assert hashed == [] and time.monotonic() - begun < 20
    assert AuditEntry.objects.filter(action="login-flood").count() == 1
    assert AuditEntry.objects.filter(action="login-locked").count() == 0


@pytest.mark.django_db
def test_A15_the_same_account_logs_in_from_another_network_meanwhile(olga: User) -> None:
    for number in range(60):
        Client(REMOTE_ADDR="203.0.113.7").post(LOGIN, {"username": f"n{number}"})
    form = {"username": "olga", "password": PASSWORD}
    assert Client(REMOTE_ADDR="198.51.100.9").post(LOGIN, form).status_code == 302
