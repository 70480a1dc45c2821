"""Every original signatory and every member of the board is on a page of the letter, however many there are."""

import os
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pypdf import PdfReader

from campaign.letters.row_fields import MAX_ROWS
from signatures.delivery.pdf import BoardMember, Letterhead, Signatory
from signatures.delivery.typesetter import structure
from tests.delivery.test_pdf import letter, make

LONG = ["Professor emerita of the history of bridges, and of the people who cross them", "Member of the board"] * 3
FOOT, HEAD = 62, 45  # points: the margins at the foot, and at the head of a page with a running head
NAME = re.compile(r"(?:Signer|Member)\d{3}")


def people(count: int, titles: list[str]) -> list[Signatory]:
    return [Signatory(f"Signer{n:03}", titles) for n in range(count)]


def names_in_sight(reader: PdfReader) -> list[list[str]]:
    """Returns the names on each page that lie within its margins. What was set below its foot is in the file, too."""
    pages = []
    for page in reader.pages:
        seen: list[str] = []
        top = float(page.mediabox.top) - HEAD

        def see(text: str, cm: Any, tm: Any, *_rest: Any, seen: list[str] = seen, top: float = top) -> None:
            y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
            if FOOT <= y <= top:
                seen += NAME.findall(text)

        page.extract_text(visitor_text=see)
        pages.append(seen)
    return pages


@pytest.mark.parametrize("paper", ["a4", "us-letter"])
@pytest.mark.parametrize(("count", "titles"), [(9, LONG), (41, LONG), (MAX_ROWS, [])])
def test_every_original_signatory_is_on_a_page(tmp_path: Path, count: int, titles: list[str], paper: Any) -> None:
    pages = typeset(tmp_path, paper, f"{count}-{len(titles)}", signatories=people(count, titles))
    assert [name for page in pages for name in page] == [f"Signer{n:03}" for n in range(count)]
    assert all(len(page) % 4 == 0 for page in pages[:-1]), "no row is parted"


def test_titles_higher_than_a_page_go_on_to_the_next(tmp_path: Path) -> None:
    tall = [Signatory("Signer000", [f"Member{n:03}" for n in range(120)]), Signatory("Signer001", [])]
    pages = typeset(tmp_path, "a4", "tall", signatories=tall)
    assert sorted(name for page in pages for name in page) == sorted(
        ["Signer000", "Signer001", *(f"Member{n:03}" for n in range(120))]
    )


@pytest.mark.parametrize(("office", "paper"), [("", "a4"), ("Honorary chair of the committee on bridges", "us-letter")])
def test_every_member_of_a_large_board_is_on_a_page(tmp_path: Path, office: str, paper: Any) -> None:
    board = [BoardMember(f"Member{n:03}", office) for n in range(MAX_ROWS)]
    head = Letterhead("Friends of the River", "1 Quay", "", "river.example", board)
    pages = typeset(tmp_path, paper, f"board-{len(office)}", letterhead=head)
    assert Counter(name for page in pages for name in page) == Counter(member.name for member in board)
    with pikepdf.open(tmp_path / "x.pdf") as document:
        parts = [element[0] for element in structure.read(document)]
    assert parts == ["/Sect"] * (2 if office else 1), (
        "one that is too high for the first page is read behind the letter"
    )


def typeset(folder: Path, paper: str, name: str, **words: Any) -> list[list[str]]:
    report, reader = make(folder / "x.pdf", [], the_letter=letter(**words), paper=paper, parts="letter")
    assert report.standards == ["ua-1", "a-2a"]
    if keep := os.environ.get("SHOTS"):
        shutil.copy(folder / "x.pdf", f"{keep}/letter-{name}-{paper}.pdf")
    return names_in_sight(reader)
