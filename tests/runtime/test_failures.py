"""What stops a command is one sentence and an exit code; `serve` tries again for a minute (threat model O4)."""

import contextlib
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import OperationalError, connection

from campaign.management.commands import serve
from campaign.models import Letter
from campaign.runtime import failures
from tests.live_site import free_port
from tests.prepared import BASE
from tests.waiting import wait_until

pytestmark = pytest.mark.slow


def run(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "campaign.settings", "LOCAL": "True", "VAR_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=BASE, env=environment | settings, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgres://nobody@127.0.0.1:{port}/x", "Connection refused"),
        ("postgres://nobody@%2fnowhere/x", "could not translate host name"),
    ],
)
@pytest.mark.parametrize("command", [["prune"], ["migrate"], ["export_csv", "x", "--reason", "a test"]])
def test_O4_a_command_without_its_database_says_so_in_one_sentence(
    tmp_path: Path, command: list[str], url: str, reason: str
) -> None:
    done = run(tmp_path / "v", *command, DATABASE_URL=url.format(port=free_port()))
    assert done.returncode == 1
    assert re.fullmatch(rf"The database cannot be used: .*{reason}.*\.\n", done.stderr), done.stderr


def test_a_developer_sees_where_it_failed(tmp_path: Path) -> None:
    done = run(tmp_path / "v", "prune", "--traceback", DATABASE_URL="postgres://nobody@%2fnowhere/x")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")


def test_a_folder_that_cannot_be_used_is_named_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run(tmp_path / "file" / "v", "prune")
    assert done.returncode == 1
    assert re.fullmatch(rf"{tmp_path}/file\S* cannot be used: Not a directory\.\n", done.stderr), done.stderr


def test_an_error_of_the_database_shows_no_value() -> None:
    error = OperationalError("could not extend file.\nDETAIL:  Failing row contains (Ada Lovelace)")
    assert failures.sentence(error) == "The database cannot be used: could not extend file."


@pytest.fixture
def start(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The options of a `serve` with a folder of its own, which tries again soon."""
    settings.VAR_DIR, settings.STATIC_ROOT = tmp_path / "v", tmp_path / "v" / "static"
    monkeypatch.setattr(serve, "RETRY_PAUSE_SECONDS", 0.2)
    return {"host": "127.0.0.1", "port": free_port(), "workers": 0}


@contextlib.contextmanager
def database_away() -> Iterator[threading.Event]:
    """The database is not there until the event is set."""
    comes, right = threading.Event(), connection.settings_dict["HOST"]

    def bring() -> None:
        comes.wait(30)
        connection.settings_dict["HOST"] = right

    connection.close()
    connection.settings_dict["HOST"] = "/nowhere"
    bringing = threading.Thread(target=bring)
    bringing.start()
    try:
        yield comes
    finally:
        comes.set()
        bringing.join()
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_O4_serve_starts_once_the_database_comes(start: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    with database_away() as comes, contextlib.ExitStack() as held, caplog.at_level(logging.WARNING):

        def bring_after_two_tries() -> None:
            wait_until(lambda: len(tries(caplog)) > 1, 60)
            comes.set()

        threading.Thread(target=bring_after_two_tries).start()
        serve.Command().start(held, threading.Event(), start)
        assert Letter.objects.exists()
    assert all(line.endswith("It is tried again for a minute.") for line in tries(caplog))


def tries(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line for line in caplog.messages if line.startswith("The database cannot be used")]


@pytest.mark.django_db(transaction=True)
def test_O4_serve_ends_with_one_sentence_when_the_database_does_not_come(
    start: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "RETRY_SECONDS", 0.5)
    sentence = r"^The database cannot be used: .*No such file or directory\.?.*\.$"
    with database_away(), contextlib.ExitStack() as held, pytest.raises(CommandError, match=sentence):
        serve.Command().start(held, threading.Event(), start)


@pytest.mark.django_db(transaction=True)
def test_serve_ends_at_once_when_it_is_stopped_while_it_waits(start: dict[str, Any]) -> None:
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    with database_away(), contextlib.ExitStack() as held:
        serve.Command().start(held, stop, start)


@pytest.mark.django_db(transaction=True)
def test_serve_tries_a_folder_again_too(start: dict[str, Any], settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.VAR_DIR.write_text("a file where the folder should be")
    monkeypatch.setattr(serve, "RETRY_SECONDS", 0.5)
    with contextlib.ExitStack() as held, pytest.raises(CommandError, match=r"/v cannot be used: File exists\.$"):
        serve.Command().start(held, threading.Event(), start)
