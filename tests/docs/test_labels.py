"""The pages for staff name buttons, menus and columns as admin shows them."""

import re
from pathlib import Path

import django
import pytest

from tests.docs.pages import BASE, DOCS

PAGES = [*sorted((DOCS / "staff").glob("*.md")), DOCS / "start" / "tour.md", *sorted((DOCS / "operate").glob("*.md"))]
LABEL = re.compile(r"(?<![*\w`])\*([A-Z][^*`]+)\*(?![*\w])")  # words in italics that begin with a capital
SOURCES = [
    *(BASE / "templates").rglob("*.html"),
    *(BASE / "signatures").rglob("*.py"),
    *(BASE / "signatures").rglob("*.toml"),
    *(BASE / "campaign").rglob("*.py"),
    *(Path(django.__file__).parent / "contrib" / "admin" / "templates").rglob("*.html"),
    *(Path(django.__file__).parent / "contrib" / "auth").rglob("*.py"),
]


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.fixture(scope="module")
def shown() -> str:
    """All that admin can show, in lower case, because Django capitalizes the names of models."""
    files = (file for file in SOURCES if "migrations" not in file.parts)
    return one_line(" ".join(file.read_text(encoding="utf-8") for file in files)).lower()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_label_that_a_page_names_is_in_admin(page: Path, shown: str) -> None:
    labels = LABEL.findall(one_line(page.read_text(encoding="utf-8")))
    assert [label for label in labels if label.rstrip(" …").lower() not in shown] == []
