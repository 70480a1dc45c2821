"""The documentation builds without a warning, and every link in the top-level files leads somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import BASE, DOCS


def test_the_pages_build_without_a_warning(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--nitpicky",
        "-b",
        "html",
        str(DOCS),
        str(tmp_path / "site"),
    ]
    environment = {**os.environ, "PYTHONWARNINGS": "default"}  # those of Sphinx itself are not ours
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    site = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'(?:src|href)="((?:https?:)?//[^"]+)"', site) == [
        *re.findall(r'href="(https://(?:www\.sphinx-doc\.org|github\.com/pradyunsg|pradyunsg\.me)[^"]*)"', site)
    ], "a page loads nothing from another host"


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_the_links_of_the_top_level_files_lead_somewhere(name: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (BASE / name).read_text(encoding="utf-8"))
    assert [link for link in links if not (BASE / link).exists()] == []


def test_the_readme_is_short() -> None:
    assert len((BASE / "README.md").read_text(encoding="utf-8").splitlines()) <= 130
