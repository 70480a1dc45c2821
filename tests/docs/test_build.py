"""The documentation builds without a warning, and every link in the top-level files leads somewhere."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import BASE


def test_the_pages_build_without_a_warning_and_load_nothing_from_another_host(site: Path) -> None:
    home = (site / "index.html").read_text(encoding="utf-8")
    credits_of_the_theme = r'href="(https://(?:www\.sphinx-doc\.org|github\.com/pradyunsg|pradyunsg\.me)[^"]*)"'
    assert re.findall(r'(?:src|href)="((?:https?:)?//[^"]+)"', home) == re.findall(credits_of_the_theme, home)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_the_links_of_the_top_level_files_lead_somewhere(name: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (BASE / name).read_text(encoding="utf-8"))
    assert [link for link in links if not (BASE / link).exists()] == []


def test_the_readme_is_short() -> None:
    assert len((BASE / "README.md").read_text(encoding="utf-8").splitlines()) <= 130
