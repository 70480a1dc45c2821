"""The document as a machine hears it: veraPDF finds no fault, each signatory is an item, each name is read whole."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from signatures.delivery.pdf import Entry, JobControl
from signatures.states import Source
from tests.delivery import read_back
from tests.delivery.read_back import made_up
from tests.delivery.test_pdf import make

pytestmark = pytest.mark.slow

POINTS_OF_THE_LETTER = 2  # which are items, too


def test_verapdf_finds_no_fault_in_a_letter_of_any_size_nor_where_it_is_joined(tmp_path: Path) -> None:
    found = read_back.faults(read_back.letters_of_every_form(tmp_path))
    broken = {form for (form, _profile), rules in found.items() if rules}
    assert broken == {read_back.UNTAGGED} and len(found) == 8 * len(read_back.PROFILES)
    assert all(found[read_back.UNTAGGED, profile] for profile in read_back.PROFILES), "and each profile finds a fault"


def elements(node: pikepdf.Object, kind: str) -> Iterator[pikepdf.Object]:
    kids = node.get("/K")
    for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
        if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
            if kind == kid.S:
                yield kid
            yield from elements(kid, kind)


@pytest.mark.parametrize(
    ("names", "language", "set_size", "in_one"),
    [
        ("lines", "en", 10_000, 1), ("lines", "ar", 10_000, 1), ("lines", "en", 1, 1), ("running", "en", 10_000, 1),
        ("running", "ar", 10_000, 20),  # a paragraph is one item
    ],
)  # fmt: skip
def test_each_signatory_is_an_item_of_a_list_whatever_the_form(
    tmp_path: Path, names: Any, language: str, set_size: int, in_one: int
) -> None:
    others = [
        Entry("W" * 200),
        Entry("María " * 20),
        Entry(""),
        Entry("Ada", source=Source.PAPER),
        Entry("Ben", source=Source.EVIDENCE),
        Entry("O"),
    ]
    entries = [*made_up(330), *others]
    make(tmp_path / "x.pdf", entries, names=names, language=language, control=JobControl(set_size=set_size))
    with pikepdf.open(tmp_path / "x.pdf") as document:
        tree = document.Root.StructTreeRoot
        items = [item for one in elements(tree, "/L") for item in elements(one, "/LI")]
        assert [item.K.S for item in items[-5:]] == ["/LBody"] * 5
        assert len(items) - POINTS_OF_THE_LETTER >= len(entries) // in_one
        assert in_one > 1 or len(items) - POINTS_OF_THE_LETTER == len(entries)


def test_a_name_in_another_language_says_so_and_a_boxed_one_has_its_actual_text(tmp_path: Path) -> None:
    entries = [Entry("Ada"), Entry("محمد", role="Judge"), Entry("김철수"), Entry("حسن", language="fa"), Entry("𞊐𞊒𞊓")]
    make(tmp_path / "x.pdf", entries)
    with pikepdf.open(tmp_path / "x.pdf") as document:
        tree = document.Root.StructTreeRoot
        bodies = [body for one in elements(tree, "/LI") for body in elements(one, "/LBody")][POINTS_OF_THE_LETTER:]
        spans = [next(elements(body, "/Span"), body) for body in bodies]
        assert [str(span.get("/Lang", "")) for span in spans] == ["", "ar", "ko", "fa", "txo"]
        assert [str(span.get("/ActualText", "")) for span in spans] == ["", "", "", "", "𞊐𞊒𞊓"]
        assert spans[1].S == "/Span" and "/Lang" not in bodies[1], "what stands beside it is in the document's language"


def test_E6_at_least_99_percent_of_names_are_read_whole_in_every_script_by_poppler_and_by_mupdf(tmp_path: Path) -> None:
    shares = read_back.shares_read_whole(tmp_path)
    assert len(shares) == 2 * len(read_back.SCRIPTS)
    assert {key: share for key, share in shares.items() if share < read_back.SHOULD_READ} == {}
