"""Accounts of staff."""

import time
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.test import Client


@pytest.fixture(autouse=True)
def one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """No code of an app runs out while a test types it."""
    began = time.time()
    monkeypatch.setattr("django_otp.oath.time", lambda: began)
    monkeypatch.setattr("django_otp.plugins.otp_totp.models.time", SimpleNamespace(time=lambda: began))


@pytest.fixture
def olga(db: None) -> User:
    """A member of staff with an email address."""
    return User.objects.create_user("olga", "olga@example.org", "a long enough password", is_staff=True)


@pytest.fixture
def owner_client(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client
