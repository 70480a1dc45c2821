"""A long list by name has a heading over each letter, and no letter has two."""

from pathlib import Path
from typing import Any

from signatures.delivery.pdf import Entry
from signatures.delivery.pdf.name_list import runs
from signatures.values import names
from tests.delivery.test_pdf import make

# Sorted among the A: each begins with a sign that one script or another counts among its letters.
WITH_SIGNS = ["ʿAbd al-Rahman", "ʻAlohilani Kealoha", "ʼAnna Petrova", "'Amina Said", "‘Ali Reza", "Ángela Díaz"]


def latin(words: list[str]) -> list[Entry]:
    return [Entry(name, section="script:Latn") for name in sorted(words, key=names.sort_key)]


def headings_of(entries: list[Entry]) -> list[tuple[str, int]]:
    return [(part.letter, len(part.entries)) for run in runs(entries) for part in run]


def a_list() -> list[Entry]:
    return latin(
        [*(f"A{'bcd'[n % 3]}a Nr {n:03}" for n in range(120)), *WITH_SIGNS, *(f"Ben Nr {n:03}" for n in range(120))]
    )


def erase(entries: list[Entry], *places: int) -> list[Entry]:
    return [Entry("", section=one.section) if place in places else one for place, one in enumerate(entries)]


def test_names_stand_under_the_letter_by_which_they_are_sorted() -> None:
    assert headings_of(a_list()) == [("A", 126), ("B", 120)]


def test_an_erased_name_stays_under_the_letter_before_it() -> None:
    assert headings_of(erase(a_list(), 0, 60, 61, 125, 126, 245)) == [("A", 127), ("B", 119)]
    assert headings_of(erase(a_list(), *range(246))) == [("", 246)]


def test_a_list_in_an_older_order_has_each_heading_once() -> None:
    entries = a_list()
    letters = [
        letter for letter, _count in headings_of([*entries[:200], Entry("Adam", section="script:Latn"), *entries[200:]])
    ]
    assert letters == ["A", "B"]


def test_digits_greek_and_cyrillic_have_theirs() -> None:
    words = [f"{first}{n:03}" for first in ("7 Days ", "Ægir ", "Straße ", "ẞeta ") for n in range(60)]
    assert [letter for letter, _count in headings_of(latin(words))] == ["7", "A", "S"]
    greek = [
        Entry(name, section="script:Grek")
        for name in sorted((f"{c}α {n}" for c in "ΆΑ" for n in range(120)), key=names.sort_key)
    ]
    assert headings_of(greek) == [("Α", 240)]


def test_the_bookmarks_of_the_file_have_each_letter_once(tmp_path: Path) -> None:
    _report, reader = make(tmp_path / "list.pdf", erase(a_list(), 0, 60, 126))
    assert [title for title in titles(reader.outline) if len(title) == 1] == ["A", "B"]


def titles(outline: list[Any]) -> list[str]:
    return [title for item in outline for title in (titles(item) if isinstance(item, list) else [str(item["/Title"])])]
