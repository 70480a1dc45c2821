"""A command that a page shows with settings before it starts on a fresh machine as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from campaign.runtime.environment import NAMES
from tests.docs.pages import BASE, pages

WITH_SETTINGS = re.compile(r"`((?:[A-Z_]+=\S+ )+)uv run manage\.py serve`")
SHOWN = sorted({
    words
    for page in (BASE / "README.md", *pages())
    for words in WITH_SETTINGS.findall(" ".join(page.read_text(encoding="utf-8").split()))
})  # fmt: skip


def test_there_are_such_commands() -> None:
    assert SHOWN


@pytest.mark.parametrize("words", SHOWN)
def test_a_site_with_these_settings_starts(words: str, tmp_path: Path) -> None:
    given = dict(word.split("=", 1) for word in words.split())
    kept = {name: value for name, value in os.environ.items() if name not in {*NAMES, "DJANGO_SETTINGS_MODULE"}}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=BASE, env={**kept, "VAR_DIR": str(tmp_path / "v"), **given},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
