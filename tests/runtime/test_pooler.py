"""Through PgBouncer in transaction mode, where each transaction may have another session (threat model O17)."""

import io
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from pypdf import PdfReader

from campaign.models import Letter
from campaign.runtime.locks import AdvisoryLock, block_lock, transaction_lock
from signatures.delivery import building, document_data, exports, freezing, statement
from signatures.models import Signature
from tests.delivery.factories import path_of
from tests.factories import make_many
from tests.pooler import Pooler
from tests.runtime.test_locks import held, in_thread

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = 40


@pytest.fixture
def pooler(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Yields how to connect to a pooler with two sessions for all."""
    tmp_path.chmod(0o755)
    server = connection.get_connection_params()
    with Pooler(tmp_path / "pooler", (server["host"], 5432), wait=60).running() as pooler:
        yield {"HOST": pooler.host, "PORT": str(pooler.port)}


@pytest.fixture
def pooled(pooler: dict[str, Any]) -> Iterator[None]:
    """The thread of the test connects through it. So do others, which take one session or the other all the time."""
    stop = threading.Event()

    def take() -> None:
        connection.settings_dict = connection.settings_dict | pooler
        while not stop.wait(0.001):
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.005)")

    threads = [in_thread(take) for _each in range(2)]
    before = connection.settings_dict
    connection.close()
    connection.settings_dict = before | pooler
    yield
    stop.set()
    for thread in threads:
        thread.join(10)
    connection.close()
    connection.settings_dict = before


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


def test_O17_the_files_of_a_delivery_are_built(
    letter: Letter, pooled: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DELIVERIES_DIR = tmp_path / "deliveries"
    monkeypatch.setattr(document_data, "CHUNK", 3)
    make_many(letter, NAMES)
    delivery = freezing.freeze(letter, by=None, reason="through a pool")
    building.build(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.failure, delivery.done) == ("", 100)
    with zipfile.ZipFile(path_of(delivery)) as package:
        (name,) = (name for name in package.namelist() if name.endswith(statement.PDF))
        text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(package.read(name))).pages)
    assert all(row.name in text for row in delivery.rows.all())


def test_O17_a_list_is_exported_as_pdf(
    letter: Letter, pooled: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_data, "CHUNK", 3)
    make_many(letter, NAMES)
    report = exports.export_pdf(letter, tmp_path / "list.pdf", by=None, reason="through a pool")
    assert report.names == NAMES


def test_O17_rows_are_read_in_parts_in_and_outside_of_a_transaction(letter: Letter, pooled: None) -> None:
    """As the choices of forms in admin are, outside."""
    make_many(letter, NAMES)
    for _turn in range(10):
        assert len(list(Signature.objects.iterator(chunk_size=2))) == NAMES
        with transaction.atomic():
            assert len(list(Signature.objects.iterator(chunk_size=2))) == NAMES
