"""Fixtures for moderation."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from signatures.moderation import bulk_rule_runs


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_rule_runs, "BATCH_SIZE", 7)


@pytest.fixture
def colleague(db: None) -> User:
    user = User.objects.create_user("mina", password="a long enough password", is_staff=True)
    user.groups.add(Group.objects.get(name="moderator"))
    return user


@pytest.fixture
def colleague_client(colleague: User) -> Client:
    client = Client()
    client.force_login(colleague)
    return client
