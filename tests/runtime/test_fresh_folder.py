"""A command needs no start of the site before it: it makes and migrates the embedded database, or says what is missing."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings

from tests.prepared import BASE

pytestmark = pytest.mark.slow


def run(folder: Path, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "campaign.settings", "LOCAL": "True", "VAR_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=BASE, env=environment | changes, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture
def empty_database(django_db_setup: None) -> Iterator[str]:
    """The address of a database without tables, on a server that runs."""
    name = f"empty_{uuid.uuid4().hex}"
    connection = psycopg2.connect(host=str(settings.POSTGRES_DIR), user="undersigned", dbname="postgres")
    connection.autocommit = True
    try:
        connection.cursor().execute(f"CREATE DATABASE {name}")
        yield f"postgres://undersigned@/{name}?host={settings.POSTGRES_DIR}"
        connection.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        connection.close()


def test_a_command_on_a_new_folder_makes_and_migrates_its_database(tmp_path: Path) -> None:
    done = run(tmp_path / "v", "make_signatures", "10")
    assert (done.returncode, done.stderr) == (1, "CommandError: There is no published letter.\n")
    assert not (tmp_path / "v" / "postgres" / "postmaster.pid").exists(), "it stopped what it had started"
    done = run(tmp_path / "v", "load_letter")
    assert done.returncode == 0, done.stderr


def test_help_needs_no_database(tmp_path: Path) -> None:
    assert "--dry-run" in run(tmp_path / "v", "prune", "--help").stdout
    assert not (tmp_path / "v" / "postgres").exists()


@pytest.mark.parametrize("command", [["prune"], ["worker", "--once"]])
def test_a_database_without_the_tables_of_this_code_is_one_sentence(
    tmp_path: Path, empty_database: str, command: list[str]
) -> None:
    done = run(tmp_path / "v", *command, DATABASE_URL=empty_database)
    assert (done.returncode, done.stderr) == (1, "The database has not the tables of this code: run `migrate`.\n")
