"""Every picture that a page shows is there, is described in words, and can be made again by a script."""

import re
from pathlib import Path

import pytest

from tests.browser import docs_pictures, studio
from tests.delivery import page_pictures
from tests.docs.pages import BASE, DOCS, pages

IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)]+\.png)\)")
MOST_BYTES, MOST_IN_ALL = 80_000, 2_000_000


def shown() -> list[tuple[Path, str]]:
    """Each picture that a page shows, with the words that stand for it."""
    return [
        ((file.parent / path).resolve(), words)
        for file in [*pages(), BASE / "README.md"]
        for words, path in IMAGE.findall(file.read_text(encoding="utf-8"))
    ]


def stored() -> list[Path]:
    return sorted((DOCS / "_images").glob("*"))


def test_every_picture_that_a_page_shows_is_there_and_described() -> None:
    assert len(shown()) > 25
    assert [path.name for path, words in shown() if not path.is_file() or len(words.split()) < 3] == []


def test_no_page_waits_for_a_picture() -> None:
    assert [file.name for file in pages() if "% picture:" in file.read_text(encoding="utf-8")] == []


def test_every_stored_picture_is_shown_on_a_page() -> None:
    assert set(stored()) - {path for path, _words in shown()} == set()


def test_the_scripts_make_every_picture_that_is_shown_and_no_other() -> None:
    made = {studio.file_of(name).resolve() for name in docs_pictures.names() | page_pictures.names()}
    assert made == {path for path, _words in shown()}


@pytest.mark.parametrize("path", stored(), ids=lambda path: path.stem)
def test_a_picture_is_a_small_png(path: Path) -> None:
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) <= MOST_BYTES


def test_all_pictures_together_are_small() -> None:
    assert sum(path.stat().st_size for path in stored()) <= MOST_IN_ALL
