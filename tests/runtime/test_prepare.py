"""`serve`: what it does before it starts its processes."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection

from campaign.management.commands import serve
from campaign.models import Letter
from campaign.runtime import database_waits
from campaign.runtime.locks import AdvisoryLock, block_lock


def migrate() -> None:
    call_command("migrate", interactive=False, verbosity=0)
    connection.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("begin", [serve.Command().prepare, migrate])
def test_of_two_machines_that_start_or_reload_at_once_the_second_waits_until_the_first_has_migrated(
    begin: Callable[[], None],
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The test is the first machine: it holds the lock, as `migrate` does."""
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(database_waits, "LOG_SECONDS", 0.1)
    second = threading.Thread(target=begin)
    with block_lock(AdvisoryLock.MIGRATE):
        second.start()
        deadline = time.monotonic() + 10
        while "the lock MIGRATE is held by somebody else; this process waits for it" not in caplog.messages:
            assert time.monotonic() < deadline, "the second machine does not wait"
            time.sleep(0.01)
        assert not Letter.objects.exists() and not User.objects.exists()
    second.join(60)
    assert not second.is_alive()
    assert Letter.objects.count() == User.objects.count() == (begin is not migrate)


@pytest.mark.parametrize("is_built_in", [False, True])
def test_static_files_are_collected_unless_somebody_has_collected_them(
    settings: Any, tmp_path: Path, is_built_in: bool
) -> None:
    settings.VAR_DIR, settings.STATIC_ROOT = tmp_path, tmp_path / "static"
    settings.STATIC_DIR = str(tmp_path / "static") if is_built_in else ""
    serve.prepare_files()
    assert (tmp_path / "static").exists() is not is_built_in
