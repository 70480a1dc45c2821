"""Where a run of names ends, both columns end at about one height, whatever the number of names and the form."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pypdf import PageObject, PdfReader
from pypdf.generic import Destination

from campaign.runtime.regular_expressions import linear
from signatures.delivery.pdf import Entry, JobControl
from tests.delivery.test_pdf import make

pytestmark = pytest.mark.slow

NAME = linear(r"Person (\d+)")
LINE = 9.8  # points, from one line of names to the next
NEARLY_EQUAL = 2.5 * LINE  # an entry of two lines stays whole, and a heading stays with its first name
FIRST_SECTION = 1_600  # names, from which on a section has pages of its own


@dataclass(frozen=True)
class Seen:
    """Words where they stand: in which column, counted from the one that is read first, and how high."""

    words: str
    column: int
    y: float


def people(many: int) -> list[Entry]:
    """Short names, names of two lines, and details, in two sections."""
    first = min(many * 7 // 10, FIRST_SECTION)
    return [
        Entry(
            f"Person {n}{' of a name that goes on and on until it takes a second line' if n % 9 == 0 else ''}",
            country="NO" if n % 7 == 0 else "",
            section="script:Latn" if n <= first else "script:Cyrl",
        )
        for n in range(1, many + 1)
    ]


def seen(page: PageObject, *, rtl: bool) -> list[Seen]:
    """Returns what stands on a page, in the order of its content, but for head and foot."""
    found: list[Seen] = []
    middle, height = float(page.mediabox.width) / 2, float(page.mediabox.height)

    def visit(text: str, outer: Any, line: Any, *_font: Any) -> None:
        x = line[4] * outer[0] + line[5] * outer[2] + outer[4]
        y = line[4] * outer[1] + line[5] * outer[3] + outer[5]
        if text.strip() and 60 < y < height - 60:
            found.append(Seen(text.strip(), int((x > middle) != rtl), y))

    page.extract_text(visitor_text=visit)
    return found


def names(page: PageObject, *, rtl: bool = False) -> list[tuple[int, Seen]]:
    """Returns the names on a page with their numbers, from the top of the first column to the foot of the second."""
    found = [(int(match[1]), one) for one in seen(page, rtl=rtl) if (match := NAME.match(one.words))]
    return sorted(found, key=lambda one: (one[1].column, -one[1].y))


def last_lines(page: PageObject, *, rtl: bool) -> list[float]:
    """Returns how high above the foot of the page each column of names ends."""
    begins = max(one.y for _number, one in names(page, rtl=rtl))
    lines = [one for one in seen(page, rtl=rtl) if one.y <= begins]
    return [min(one.y for one in lines if one.column == column) for column in sorted({one.column for one in lines})]


@pytest.mark.parametrize(
    ("many", "language", "paper", "set_size"),
    [
        (2, "ar", "a4", 10_000), (5, "en", "us-letter", 10_000), (50, "ar", "us-letter", 10_000),
        (333, "en", "a4", 10_000), (2_500, "en", "a4", 1_000),
    ],
)  # fmt: skip
def test_the_columns_of_the_last_page_of_names_end_at_one_height(
    tmp_path: Path, many: int, language: str, paper: Any, set_size: int
) -> None:
    make(tmp_path / "x.pdf", people(many), language=language, paper=paper, control=JobControl(set_size=set_size))
    reader, rtl = PdfReader(tmp_path / "x.pdf"), language == "ar"
    pages = [(page, names(page, rtl=rtl)) for page in reader.pages]
    pages = [(page, found) for page, found in pages if found]
    assert [number for _page, found in pages for number, _one in found] == list(range(1, many + 1))
    ends = [page for page, found in pages if found[-1][0] in {FIRST_SECTION, many}]
    assert len(ends) == 1 + (many > FIRST_SECTION), "a long section ends on a page of its own"
    for page in ends:
        first, second = last_lines(page, rtl=rtl)
        assert abs(first - second) < NEARLY_EQUAL
    for _page, found in pages:
        for (_number, above), (_next, below) in pairwise(found):
            assert below.column != above.column or above.y - below.y > 0.9 * LINE, "no line stands on another"
    for page in ends:
        top = next(one for one in seen(page, rtl=rtl) if one.column == 1)
        assert NAME.match(top.words) or "line" not in top.words, "a column does not begin amid a name"


def test_one_name_stays_where_it_is(tmp_path: Path) -> None:
    make(tmp_path / "x.pdf", people(1))
    ((number, one),) = names(PdfReader(tmp_path / "x.pdf").pages[-1])
    assert (number, one.column) == (1, 0)


def test_names_that_run_on_are_balanced_by_lines_and_a_bookmark_goes_with_its_heading(tmp_path: Path) -> None:
    make(tmp_path / "x.pdf", people(80), names="running")
    reader = PdfReader(tmp_path / "x.pdf")
    first, second = last_lines(reader.pages[-1], rtl=False)
    assert abs(first - second) < NEARLY_EQUAL
    make(tmp_path / "y.pdf", people(40))
    reader = PdfReader(tmp_path / "y.pdf")
    page = reader.pages[-1]
    marks = [mark for marks in reader.outline if isinstance(marks, list) for mark in marks]
    assert len(marks) == 2
    for mark in marks:
        assert isinstance(mark, Destination)
        (heading,) = (one for one in seen(page, rtl=False) if one.words.startswith(str(mark.title).split(",")[0]))
        assert 0 < float(mark.top or 0) - heading.y < 30
        assert (float(mark.left or 0) > float(page.mediabox.width) / 2) == (heading.column == 1)
