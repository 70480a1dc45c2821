"""The entries of a part as they are shown: lines of runs, and how each is to be read."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from signatures.delivery.typesetter import structure
from signatures.delivery.typesetter.page_content import Run

BELOW, ABOVE = 5.0, 30.0  # points: how far marks of a line stand from its first glyph; less than to another line
BETWEEN_COLOR = b"0.078431375 0.09019608 0.11372549"  # #14171d in names.typ, of the dots between running names


@dataclass(slots=True)
class Line:
    page: int
    y: float
    runs: list[Run] = field(default_factory=list)


@dataclass(slots=True)
class Shown:
    """An entry: what it shows, how it is to be read, and its lines. Each mark is a page and a number on it."""

    name: str
    detail: str
    language: str  # of the name, if it is not the document's
    actual: str  # the name as it was written, if another text is shown
    lines: list[Line] = field(default_factory=list)
    marks: list[tuple[int, int]] = field(default_factory=list)
    detail_marks: list[tuple[int, int]] = field(default_factory=list)

    @property
    def is_split(self) -> bool:
        """Whether name and detail are read in different languages."""
        return bool(self.language and self.detail and self.name)

    def element(self) -> structure.Element:
        others = self._others()
        marks = [list(mark) for mark in self.marks]
        if self.is_split:
            return ["/LI", {}, [["/LBody", {}, [["/Span", others, marks], *map(list, self.detail_marks)]]]]
        return ["/LI", {}, [["/LBody", others, marks]]]

    def body_source(self) -> str:
        return "".join(f"{key} {source}" for key, source in self._others().items())

    def _others(self) -> dict[str, str]:
        others = {"/Lang": f"({self.language})"} if self.language else {}
        if self.actual:
            others["/ActualText"] = f"<{('\ufeff' + self.actual).encode('utf-16-be', 'replace').hex()}>"
        return others


def running_parts(lines: list[Line]) -> list[list[Line]]:
    """Returns the parts between the dots. On a line, runs come as they are seen."""
    parts: list[list[Line]] = [[]]
    for line in lines:
        begins = True
        for run in line.runs:
            if run.color == BETWEEN_COLOR:  # a dot, or a space beside it
                if parts[-1]:
                    parts.append([])
                begins = True
                continue
            if begins:
                parts[-1].append(Line(line.page, line.y))
                begins = False
            parts[-1][-1].runs.append(run)
    return parts


def append_items(kids: list[Any], entries: Iterable[Shown]) -> None:
    """Adds the items of entries to a list. Those alike, whose marks follow each other, are one `structure.Items`."""
    for entry in entries:
        if len(entry.marks) != 1 or entry.is_split:
            kids.append(entry.element())
            continue
        page, mark = entry.marks[0]
        others = entry.body_source()
        last = kids[-1] if kids and len(kids[-1]) == 4 else None
        if last and last[:2] == [others, page] and last[2] + last[3] == mark:
            last[3] += 1
        else:
            kids.append([others, page, mark, 1])


def ranges_of(paragraphs: list[list[Shown]], sizes: list[int], pages: int) -> list[tuple[int, int] | None]:
    """Returns the first and last name of each page; nothing where it ends within a paragraph that is one item.

    `sizes`: how many names each paragraph has.
    """
    found: dict[int, list[int]] = {}
    unclear: set[int] = set()
    before = 0
    for entries, size in zip(paragraphs, sizes, strict=True):
        is_one_item = len(entries) != size
        for number, entry in enumerate(entries, start=before + 1):
            on_pages = {line.page for line in entry.lines}
            for page in on_pages:
                found.setdefault(page, []).extend((number, before + size if is_one_item else number))
            if is_one_item and len(on_pages) > 1:
                unclear |= on_pages
        before += size
    ranges = {page: (min(numbers), max(numbers)) for page, numbers in found.items() if page not in unclear}
    return [ranges.get(page) for page in range(pages)]
