"""Advisory locks: each feature has its own, and no lock stays behind."""

import logging
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from campaign.management.commands.serve import Command as Serve
from campaign.models import Letter
from campaign.runtime import database_waits
from campaign.runtime.locks import AdvisoryLock, block_lock, transaction_lock
from tests import proxies
from tests.factories import make_letter
from tests.live_site import BASE, free_port

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


@pytest.fixture
def pooler(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """PgBouncer before the database, in transaction mode, with two sessions for all. Yields how to connect to it."""
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    server = connection.get_connection_params()
    folder, port = tmp_path / "pooler", free_port()
    (tmp_path / "users").write_text(f'"{server["user"]}" ""\n')
    (tmp_path / "pooler.ini").write_text(
        f"[databases]\n* = host={server['host']}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n"
        f"unix_socket_dir =\nauth_type = trust\nauth_file = {tmp_path}/users\npool_mode = transaction\n"
        "default_pool_size = 2\nignore_startup_parameters = extra_float_digits,options\n"
    )
    tmp_path.chmod(0o755)
    folder.mkdir()
    user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--inh-caps=+dac_override",
            "--ambient-caps=+dac_override"] if os.geteuid() == 0 else []  # fmt: skip
    with proxies.running([*user, program, "-q", str(tmp_path / "pooler.ini")], port, tmp_path / "pooler.log"):
        yield {"HOST": "127.0.0.1", "PORT": str(port)}


def test_O17_no_lock_stays_behind_in_a_pool_and_none_is_held_twice(pooler: dict[str, Any]) -> None:
    """Many threads, each with transactions of its own inside the lock, over two sessions."""
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        connection.settings_dict = connection.settings_dict | pooler
        for _turn in range(5):
            with block_lock(AdvisoryLock.FREEZE_DELIVERY, seconds=30):
                inside += 1
                most = max(most, inside)
                with transaction.atomic():
                    transaction_lock(AdvisoryLock.IMPORT_PAPER)
                    list(Letter.objects.all())
                inside -= 1

    threads = [in_thread(work) for _each in range(2)]
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert most == 1
    assert held() == 0
