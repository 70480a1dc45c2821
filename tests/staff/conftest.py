"""Accounts of staff."""

import pytest
from django.contrib.auth.models import User
from django.test import Client


@pytest.fixture
def olga(db: None) -> User:
    """A member of staff with an email address."""
    return User.objects.create_user("olga", "olga@example.org", "a long enough password", is_staff=True)


@pytest.fixture
def owner_client(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client
