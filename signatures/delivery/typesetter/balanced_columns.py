"""Columns that end at about one height, on the last page of each run of names.

Typst fills one column after the other, and where a run ends is known only when all of it is set. To set it once more
would take as long again. So lines at the end of the first column are moved to the top of the second, which is as wide:
no line changes, and neither do the order of reading and the names on a page.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pikepdf

from campaign.runtime.regular_expressions import linear
from signatures.delivery.typesetter import structure
from signatures.delivery.typesetter.page_content import Piece, Run
from signatures.delivery.typesetter.shown_entries import ABOVE, BELOW

# What a page of names looks like, in points. The templates read it from `document.json`.
NAMES_PAGE: dict[str, Any] = {
    "margin": 56.69,  # at both sides
    "top": 62.36,
    "gutter": 0.04,  # between the columns, a part of the width inside the margins
    "leading": 4.25,  # between lines, and between paragraphs
    "above": {"/H2": 13.26, "/H3": 7.65},  # a heading, unless it stands at the top of a column
}
LAYOUT = b"/Type/Layout"  # an artifact that belongs to the text behind it: the rule of a heading, the frame of a code
POSITION = linear(rb"\nq 1 0 0 -1 -?[\d.]+ (-?[\d.]+) cm")
BOOKMARK_ABOVE = 30.0  # points: a bookmark stands less than this over the line of its heading


@dataclass(slots=True)
class Row:
    """A line of a column, all that is drawn in it, and the type of heading that it is of, or nothing.

    Args:
        y: the height of its baseline above the foot of the page.
        top: the height of its upper edge, or of the rule above it.
        begins: whether a column can begin with it.
    """

    heading: str
    y: float
    top: float
    drawn: list[Piece | Run] = field(default_factory=list)
    begins: bool = False
    dx: float = 0.0
    dy: float = 0.0


class Balance:
    """Balances pages of a part.

    Args:
        pages: the pieces of each page.
        paragraphs: the marks of each paragraph of names.
        starts: the identities of the first run of each entry. Empty: each line may begin a column.
    """

    def __init__(
        self,
        pdf: pikepdf.Pdf,
        pages: list[list[Piece]],
        paragraphs: list[list[list[int]]],
        starts: set[int],
        *,
        rtl: bool,
    ) -> None:
        self.pdf, self.pages, self.starts = pdf, pages, starts
        self.names = {(page, mark) for marks in paragraphs for page, mark in marks}
        width, self.height = (float(pdf.pages[0].mediabox[place]) for place in (2, 3))
        self.middle = width / 2
        shift = (width - 2 * NAMES_PAGE["margin"]) * (1 + NAMES_PAGE["gutter"]) / 2
        self.shift = -shift if rtl else shift

    def balance(self, number: int, tree: list[structure.Element]) -> None:
        """Moves lines on this page, with their bookmarks, and leaves it as it is if they are not in two columns."""
        headings = {
            mark: kind
            for kind, _others, kids in (one for one in tree if len(one) == 3)
            if kind in NAMES_PAGE["above"]
            for page, mark in structure.marks([kind, {}, kids])
            if page == number
        }
        rows = list(self._rows(number, headings))
        starts = [place for place in range(1, len(rows)) if rows[place].y > rows[place - 1].y]
        if not rows or len(starts) > 1:
            return
        second = starts[0] if starts else len(rows)
        top = rows[0].top if rows[0].top > rows[0].y else self.height - NAMES_PAGE["top"]
        depths = _depths(rows, second, top)
        leads = [_lead(rows, depths, place) if place != second else top - rows[place].y for place in range(len(rows))]
        begin = _begin(rows, depths, leads, second)
        for place in range(begin, len(rows)) if begin < second else ():
            row = rows[place]
            row.dx = self.shift if place < second else 0.0
            row.dy = top - (depths[place] - depths[begin] + leads[begin]) - row.y
            for one in row.drawn:
                one.move(row.dx, row.dy)
        self._move_bookmarks(number, [row for row in rows if row.heading and row.dy])

    def _rows(self, number: int, headings: dict[int, str]) -> Iterator[Row]:
        """Returns the lines of the columns in the order of reading."""
        row: Row | None = None
        before: list[Piece] = []
        for piece in self.pages[number]:
            if piece.number is None:
                before += [piece] if LAYOUT in piece.before else []
                continue
            heading = headings.get(piece.number, "")
            if not heading and (number, piece.number) not in self.names:
                before = []
                continue
            for one, y in self._drawn(piece, heading):
                if not (row and row.heading == heading and -BELOW < y - row.y < ABOVE):
                    if row:
                        yield row
                    rules = [POSITION.search(rule.before) for rule in before] if heading else []
                    top = max((float(found[1]) for found in rules if found), default=y)
                    row = Row(heading, y, top, begins=not self.starts or bool(heading))
                row.drawn += [*before, one]
                row.begins |= id(one) in self.starts
                before = []
        if row:
            yield row

    def _drawn(self, piece: Piece, heading: str) -> Iterator[tuple[Piece | Run, float]]:
        """Returns what is moved as one, and the height of its baseline."""
        if piece.runs and not heading:
            yield from ((run, run.y) for run in piece.runs)
        elif found := POSITION.search(b"\n" + piece.body):
            yield piece, float(found[1])

    def _move_bookmarks(self, number: int, headings: list[Row]) -> None:
        if not headings:
            return
        page = self.pdf.pages[number].objgen
        outlines: Any = self.pdf.Root.get("/Outlines")
        for item in _items(outlines and outlines.get("/First")):
            if item.Dest[0].objgen != page:
                continue
            left, height = float(item.Dest[2]), float(item.Dest[3])
            came_from = (row for row in headings if 0 < height - row.y < BOOKMARK_ABOVE)
            row = next((row for row in came_from if (row.dx != 0) == ((left - self.middle) * self.shift < 0)), None)
            if row:
                item.Dest[2], item.Dest[3] = left + row.dx, height + row.dy


def _depths(rows: list[Row], second: int, top: float) -> list[float]:
    """Returns how far each line would stand below the top, if all were in one column."""
    depths = [top - row.y for row in rows[:second]]
    if second < len(rows):
        after = rows[second]
        lead = top - after.y
        if after.heading:
            space = NAMES_PAGE["above"][after.heading]
        else:
            # Lines of tall scripts also reach below their baseline: as far as those beside them.
            beside = [rows[second - 2].y - rows[second - 1].y] if second > 1 else []
            beside += [after.y - rows[second + 1].y] if second + 1 < len(rows) else []
            space = max([NAMES_PAGE["leading"], *(distance - lead for distance in beside)])
        begin = depths[-1] + space + lead
        depths += [begin + after.y - row.y for row in rows[second:]]
    return depths


def _lead(rows: list[Row], depths: list[float], place: int) -> float:
    """Returns how far a line stands below the top of a column that begins with it."""
    row = rows[place]
    if row.top > row.y or not place:  # a heading with its rule
        return row.top - row.y
    above = NAMES_PAGE["above"][row.heading] if row.heading else NAMES_PAGE["leading"]
    return float(depths[place] - depths[place - 1] - above)


def _begin(rows: list[Row], depths: list[float], leads: list[float], second: int) -> int:
    """Returns with which line the second column is to begin. A heading stays with what is below it."""
    last = depths[-1]
    allowed = [p for p in range(1, second) if rows[p].begins and not rows[p - 1].heading]
    lengths = {p: max(depths[p - 1], last - depths[p] + leads[p]) for p in allowed}
    lengths[second] = max(depths[second - 1], last - depths[second] + leads[second]) if second < len(rows) else last
    return min(reversed(lengths), key=lambda p: lengths[p])


def _items(item: Any) -> Iterator[Any]:
    """Returns bookmarks from this on, each with those below it."""
    while item is not None:
        yield item
        yield from _items(item.get("/First"))
        item = item.get("/Next")
