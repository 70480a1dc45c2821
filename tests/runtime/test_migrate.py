"""`migrate`: a locked table does not stop it, and it stops nobody for long (threat model O8)."""

import logging
import threading
import time
from collections.abc import Iterator

import psycopg2
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, transaction

from campaign.management.commands import migrate
from campaign.models import Letter
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def reader_of_letters() -> Iterator[psycopg2.extensions.connection]:
    """Somebody who has read the letters and not ended the transaction."""
    other = psycopg2.connect(**connection.get_connection_params())
    with other.cursor() as cursor:
        cursor.execute("SELECT * FROM campaign_letter")
    yield other
    other.close()


@pytest.fixture
def one_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that locks the letters."""

    def lock(self: object, *args: object, **options: object) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE campaign_letter IN ACCESS EXCLUSIVE MODE")

    monkeypatch.setattr("django.core.management.commands.migrate.Command.handle", lock)


@pytest.mark.usefixtures("one_to_go")
def test_O8_a_migration_waits_its_turn_and_then_runs(
    reader_of_letters: psycopg2.extensions.connection, caplog: pytest.LogCaptureFixture
) -> None:
    def end_reading() -> None:
        wait_until(lambda: caplog.records, 60)
        reader_of_letters.rollback()

    with caplog.at_level(logging.WARNING):
        threading.Thread(target=end_reading).start()
        call_command("migrate", verbosity=0)
    assert {record.getMessage() for record in caplog.records} == {
        "a migration got no lock on its table in a second; it is tried again"
    }


def seconds_of_reads_beside_a_migration() -> list[float]:
    """Tries to migrate in vain. Returns how long each read of the letters took meanwhile."""
    waits, is_over = [], threading.Event()

    def read() -> None:
        while not is_over.wait(0.05):
            begun = time.monotonic()
            list(Letter.objects.all())
            waits.append(time.monotonic() - begun)
        connection.close()

    reading = threading.Thread(target=read)
    reading.start()
    try:
        with pytest.raises(
            CommandError, match=r"A migration got no lock on its table in 3 seconds: .*migrate again\.$"
        ):
            call_command("migrate", verbosity=0)
    finally:
        is_over.set()
        reading.join(10)
    return waits


@pytest.mark.usefixtures("one_to_go", "reader_of_letters")
def test_O8_readers_go_on_while_a_migration_waits_and_it_ends_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "RETRY_SECONDS", 3)
    monkeypatch.setattr(migrate, "PAUSE_SECONDS", (1.0, 1.0))
    for _try in range(3):  # the machine may stand still for a moment
        waits = seconds_of_reads_beside_a_migration()
        if len(waits) > 10 and max(waits) < 2.0:
            break
    assert len(waits) > 10
    assert max(waits) < 2.0, "no reader waits much longer than one try"


def test_a_migration_that_fails_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[object] = []

    def fail(self: object, *args: object, **options: object) -> None:
        tries.append(self)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    monkeypatch.setattr("django.core.management.commands.migrate.Command.handle", fail)
    with pytest.raises(DatabaseError, match="division by zero"):
        call_command("migrate", verbosity=0)
    assert len(tries) == 1
