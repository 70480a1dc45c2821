"""Fixtures for moderation."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from campaign.models import Letter
from signatures.delivery import freezing
from signatures.models import Delivery, Signature
from signatures.moderation import bulk_rule_runs
from tests.delivery.factories import day_of, make_delivery
from tests.factories import make_signature


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_rule_runs, "BATCH_SIZE", 7)


@pytest.fixture
def second(owner: User) -> User:
    other = User.objects.create_user("second-owner", is_staff=True)
    other.groups.set(owner.groups.all())
    return other


@pytest.fixture
def delivered(letter: Letter, ada: Signature) -> Delivery:
    make_signature(letter, "Ben Nevis")
    delivery = make_delivery(letter)
    return freezing.hand_over(delivery, by=None, on=day_of(delivery), to="The embassy", at="Washington")


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
