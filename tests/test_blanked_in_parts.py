"""What is blanked because it is old goes a few rows at a time: nobody at work on one of them waits for all others."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.utils import timezone

from campaign.models import Letter
from signatures import retention
from signatures.models import Signature
from signatures.states import State
from tests.factories import make_letter, make_many

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def flood(monkeypatch: pytest.MonkeyPatch) -> list[Signature]:
    monkeypatch.setattr(retention, "BLANKED_TOGETHER", 2)
    letter: Letter = make_letter()
    return make_many(
        letter, 7, state=State.WAITING, network="ab" * 8, signed_up_at=timezone.now() - timedelta(hours=72)
    )


@pytest.fixture
def moderator(flood: list[Signature]) -> Iterator[Any]:
    """The connection of somebody who decides the fourth signature, and has not ended."""
    other = psycopg2.connect(**connection.get_connection_params())
    with other.cursor() as cursor:
        cursor.execute("SELECT 1 FROM signatures_signature WHERE id = %s FOR UPDATE", [flood[3].pk])
    yield other
    other.close()


def left() -> int:
    return Signature.objects.exclude(network="").count()


def test_R4_who_is_being_decided_is_waited_for_and_holds_up_nobody_else(flood: list[Signature], moderator: Any) -> None:
    found: list[int] = []

    def work() -> None:
        found.append(retention.delete_network_digests())
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    deadline = time.monotonic() + 20
    while left() > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left() == 1, "all others are done, and can be decided"
    moderator.rollback()
    thread.join(20)
    assert (found, left()) == ([len(flood)], 0)
