"""Advisory locks: each feature has its own, and no lock stays behind."""

import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection, transaction

from campaign.management.commands.serve import Command as Serve
from campaign.models import Letter
from campaign.runtime import database_waits
from campaign.runtime.locks import AdvisoryLock, block_lock, transaction_lock
from tests.factories import make_letter
from tests.prepared import BASE

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def held_elsewhere(lock: AdvisoryLock, key: int = 0) -> Iterator[None]:
    """Another session holds this lock."""
    another = connection.copy()
    with another.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [lock, key])
        yield
    another.close()


def in_thread(work: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        work()
        connection.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def held() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return int(cursor.fetchone()[0])


def test_O21_no_two_locks_share_a_number() -> None:
    numbers = re.findall(r"^    [A-Z_]+ = ([\d_]+)", (BASE / "campaign/runtime/locks.py").read_text(), re.MULTILINE)
    assert len(numbers) == len(set(numbers)) == len(AdvisoryLock) > 5, "an enum takes a number twice as an alias"


def test_no_module_takes_an_advisory_lock_by_itself() -> None:
    files = [file for name in ("campaign", "signatures") for file in (BASE / name).rglob("*.py")]
    taking = [file.name for file in files if "advisory_" in file.read_text(encoding="utf-8")]
    assert taking == ["locks.py"]


def test_serve_starts_while_a_mirror_is_written(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("campaign.management.commands.serve.call_command", lambda *_names, **_options: None)
    monkeypatch.setattr("campaign.management.commands.serve.first_account.create_first_account", lambda: "")
    with held_elsewhere(AdvisoryLock.WRITE_MIRROR):
        starting = in_thread(Serve().prepare)
        starting.join(10)
        assert not starting.is_alive()


@pytest.mark.parametrize("lock", AdvisoryLock)
def test_a_lock_that_is_held_elsewhere_is_waited_for_or_passed_over(lock: AdvisoryLock) -> None:
    with held_elsewhere(lock, 7):
        with block_lock(lock, 7) as is_held:
            assert not is_held
        with transaction.atomic():
            assert not transaction_lock(lock, 7, wait=False)
        with block_lock(lock, 8) as is_held:
            assert is_held, "another key is another lock"
        got = threading.Event()

        def wait() -> None:
            with block_lock(lock, 7, seconds=30) as is_held:
                assert is_held
                got.set()

        waiting = in_thread(wait)
        assert not got.wait(0.2)
    assert got.wait(10)
    waiting.join(10)
    assert held() == 0


def test_a_lock_ends_with_its_block_also_when_that_fails() -> None:
    with pytest.raises(ValueError, match="inside"), block_lock(AdvisoryLock.FREEZE_DELIVERY):
        assert held() == 1
        raise ValueError("inside")
    assert held() == 0


def test_a_transaction_lock_ends_with_the_transaction() -> None:
    with transaction.atomic():
        assert transaction_lock(AdvisoryLock.IMPORT_PAPER, make_letter().pk)
        assert held() == 1
    assert held() == 0


def test_a_wait_for_a_lock_is_logged_and_ends(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(database_waits, "LOG_SECONDS", 0.2)
    sentence = r"^the lock MIGRATE was held by somebody else for 1 seconds$"
    with (
        held_elsewhere(AdvisoryLock.MIGRATE),
        caplog.at_level(logging.WARNING),
        pytest.raises(OperationalError, match=sentence),
        block_lock(AdvisoryLock.MIGRATE, seconds=1),
    ):
        raise AssertionError("it is held elsewhere")
    assert [record.getMessage() for record in caplog.records] == [
        "the lock MIGRATE is held by somebody else; this process waits for it"
    ]
