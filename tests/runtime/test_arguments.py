"""What is wrong with an argument of a command is one sentence and an exit code, before anything is done."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.prepared import BASE


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["serve", "--port", "70000"], "--port: it must be a whole number from 1 to 65535"),
        (["serve", "--port", "0"], "--port: it must be a whole number from 1 to 65535"),
        (["serve", "--workers", "0"], "--workers: it must be a whole number from 1 to 1000"),
        (["serve", "--workers", "-1"], "--workers: it must be a whole number from 1 to 1000"),
        (["serve", "--workers", "two"], "--workers: it must be a whole number from 1 to 1000"),
        (["serve", "--workers", "1" * 5000], "--workers: it must be a whole number from 1 to 1000"),
        (["serve", "--host", "ü" * 64, "--no-worker"], r"Port 8000 on ü+ cannot be used: no such host\."),
        (["make_signatures", "0"], "N: it must be a whole number from 1 on"),
        (["export_pdf", "bridge", "--delivery", "0"], "--delivery: it must be a whole number from 1 on"),
        (["export_csv", "bridge", "--since", "-1"], "--since: it must be a whole number from 1 on"),
        (["export_csv", "bridge", "--day", "2026-02-30"], "--day: it must be a day, such as 2026-03-31"),
        (["export_csv", "bridge", "--country", "Korea"], "--country: it must be the two letters of a country"),
        (["export_csv", "bridge", "--country", "ZZ"], "--country: it must be the two letters of a country"),
    ],
)
def test_an_argument_that_cannot_be_is_refused_in_one_sentence(command: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command(*command)


@pytest.mark.django_db
def test_addresses_of_a_letter_that_is_not_there_are_no_empty_list() -> None:
    with pytest.raises(CommandError, match=r"^There is no letter 'castle'\.$"):
        call_command("export_subscribers", "--key", "none", "--letter", "castle")


@pytest.mark.slow
def test_serve_without_a_web_process_listens_nowhere_and_ends(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "serve", "--workers", "0"], cwd=BASE, capture_output=True, text=True,
        env={"LOCAL": "True", "VAR_DIR": str(tmp_path)}, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("argument --workers: it must be a whole number from 1 to 1000")
    assert {path.name for path in tmp_path.iterdir()} <= {"keys"}, "no database was started"
