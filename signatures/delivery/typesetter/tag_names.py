"""Gives each signatory an item of a list in the structure of a part, and text that reads back whole.

Typst sets many entries in one paragraph, because a paragraph or an item for each takes twice the time and memory. The
paragraphs of names are known by their colors, and a new entry begins where a line begins at the edge of its column.
The numbers at the other edge are outlines and artifacts: a screen reader counts items itself, a name is copied alone.
"""

import json
from collections import Counter
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

import pikepdf
from pikepdf import Dictionary

from campaign.runtime.regular_expressions import linear
from signatures.delivery.typesetter import structure
from signatures.delivery.typesetter.balanced_columns import Balance
from signatures.delivery.typesetter.outlined_runs import Drawings, drawn
from signatures.delivery.typesetter.page_content import Font, Piece, Run, pieces, runs
from signatures.delivery.typesetter.shown_entries import (
    ABOVE,
    BELOW,
    BETWEEN_COLOR,
    Line,
    Shown,
    append_items,
    ranges_of,
    running_parts,
)
from signatures.delivery.typesetter.unseen_text import FONT_NAME, UnseenText, is_right_to_left, share

# The colors of names.typ as Typst writes them: no other text has them, and no eye tells them from those of the letter.
NAME_COLOR = b"0.078431375 0.09019608 0.11764706"  # #14171e
DETAIL_COLOR = b"0.34901962 0.34901962 0.34509805"  # #595958
NUMBER_COLOR = b"0.34901962 0.34901962 0.34117648"  # #595957, of the numbers at the edge of a column
COLORS = (NAME_COLOR, DETAIL_COLOR, BETWEEN_COLOR, NUMBER_COLOR)
INDENT = 5.0  # points: less than further lines of an entry are indented, more than a glyph reaches out of its line
# Characters that each have one glyph of their own, in the order of writing: no need to look.
PLAIN = linear(
    "[ -~\u00a0-\u017f\u0386-\u03ce\u0401-\u045f\u2019\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3]*"
)
NUMBERS = b"\nQ\n/Artifact<</Type/Pagination>>BDC\nq /PageNumber Do Q\nEMC"  # of the page, and of its names


def tag_names(folder: str, *, numbered: bool) -> dict[str, Any]:
    """Makes `made.pdf` and `structure.json` from `raw.pdf` and `entries.json`.

    If it is `numbered`, each page also draws its number, which `join_parts` adds. Returns the number of pages, and for
    each page the first and the last of its names, counted from 1 in this part, or nothing.
    """
    wanted = json.loads(Path(folder, "entries.json").read_text(encoding="utf-8"))
    with pikepdf.open(Path(folder, "raw.pdf")) as pdf:
        tree = structure.in_reading_order(structure.read(pdf))
        tagger = Tagger(pdf, rtl=wanted["rtl"], is_running=wanted["running"], numbered=numbered)
        tree = tagger.tag(tree, wanted["paragraphs"], wanted["runs"])
        pages = len(pdf.pages)
        made = BytesIO()  # where writing cannot fail: on a full disk, pikepdf ends the process
        pdf.save(made, object_stream_mode=pikepdf.ObjectStreamMode.disable, deterministic_id=True)
    Path(folder, "made.pdf").write_bytes(made.getbuffer())
    Path(folder, "structure.json").write_text(json.dumps(tree), encoding="utf-8")
    return {"pages": pages, "ranges": tagger.ranges}


class Tagger:
    def __init__(self, pdf: pikepdf.Pdf, *, rtl: bool, is_running: bool, numbered: bool) -> None:
        self.pdf, self.rtl, self.is_running, self.numbered = pdf, rtl, is_running, numbered
        self.drawings, self.unseen = Drawings(pdf), UnseenText()
        self.known: dict[tuple[int, int], Font] = {}
        self.known_fonts: dict[tuple[Any, ...], dict[str, Font]] = {}  # pages with the same fonts share them
        self.pages = [self._read(page) for page in pdf.pages]
        self.middle = float(pdf.pages[0].mediabox[2]) / 2
        self.owners: dict[int, Shown] = {}  # by the identity of a run
        self.unseen_font = pdf.make_indirect(Dictionary())  # filled when all its characters are known
        self.paragraphs: list[list[list[int]]] = []  # the marks of each
        self.ranges: list[tuple[int, int] | None] = []  # of the names on each page

    def _read(self, page: pikepdf.Page) -> tuple[list[Piece], dict[str, Font]]:
        fonts = {}
        for name, font in page.Resources.get("/Font", {}).items():
            fonts[name[1:]] = self.known.setdefault(font.objgen, Font(font))
        fonts = self.known_fonts.setdefault(
            tuple((name, id(font)) for name, font in sorted(fonts.items(), key=lambda item: item[0])), fonts
        )
        found = list(pieces(page.Contents.read_bytes()))
        for piece in found:
            if any(color in piece.body for color in COLORS):
                piece.runs = runs(piece.body)
        return found, fonts

    def tag(self, tree: list[structure.Element], paragraphs: list[Any], ends: list[int]) -> list[structure.Element]:
        """Returns the structure with lists of names. Writes the content of the pages anew.

        `ends`: how many paragraphs there are up to the end of each run, whose last page is balanced.

        Raises:
            ValueError: the paragraphs of names are not those that were to be typeset.
        """
        by_mark = [{p.number: p for p in found if p.number is not None} for found, _fonts in self.pages]
        lists: list[tuple[structure.Element, list[Any]]] = []
        tree = self._lists(tree, by_mark, lists)
        if len(self.paragraphs) != len(paragraphs):
            raise ValueError("the paragraphs of names are not those that were to be typeset")
        found = zip(self.paragraphs, paragraphs, strict=True)
        lines = [(self._lines(marks, by_mark), entries) for marks, entries in found]
        edges = self._edges([line for found, _entries in lines for line in found])
        shown = [self._entries(found, entries, edges) for found, entries in lines]
        self.ranges = ranges_of(shown, [len(entries) for entries in paragraphs], len(self.pages))
        starts = {id(one.lines[0].runs[0]) for one in chain(*shown) if one.lines and not self.is_running}
        balance = Balance(self.pdf, [found for found, _fonts in self.pages], self.paragraphs, starts, rtl=self.rtl)
        for end in ends:
            balance.balance(self.paragraphs[end - 1][-1][0], tree)
        numbers = [self._write(number) for number in range(len(self.pages))]
        structure.renumber(tree, numbers)
        if self.unseen.used:
            for key, value in self.unseen.font(self.pdf).items():
                self.unseen_font[key] = value
        place = iter(shown)
        for element, amount in lists:
            for _ in range(len(amount)):
                append_items(element[2], next(place))
        return tree

    def _lists(self, kids: list[Any], by_mark: list[Any], lists: list[Any]) -> list[Any]:
        """Returns the kids with a list in place of each row of paragraphs of names."""
        new: list[Any] = []
        is_open = False
        for kid in kids:
            marks = structure.marks(kid) if len(kid) == 3 and kid[0] == "/P" else []
            if marks and by_mark[marks[0][0]][marks[0][1]].runs:
                if not is_open:
                    new.append(["/L", {}, []])
                    lists.append((new[-1], []))
                lists[-1][1].append(marks)
                self.paragraphs.append(marks)
                is_open = True
                continue
            is_open = False
            new.append([*kid[:2], self._lists(kid[2], by_mark, lists)] if len(kid) == 3 else kid)
        return new

    def _lines(self, marks: list[list[int]], by_mark: list[Any]) -> list[Line]:
        found: list[Line] = []
        for page, number in marks:
            for run in by_mark[page][number].runs:
                if run.color == NUMBER_COLOR:
                    continue
                if not found or found[-1].page != page or not -BELOW < run.y - found[-1].y < ABOVE:
                    found.append(Line(page, run.y))
                found[-1].runs.append(run)
        return found

    def _edges(self, lines: list[Line]) -> dict[bool, float]:
        """Returns where the lines of the first and of the second column begin."""
        starts: dict[bool, list[float]] = {False: [], True: []}
        for line in lines:
            start = self._start(line)
            starts[start > self.middle].append(start)
        edge = max if self.rtl else min
        return {column: edge(found, default=0.0) for column, found in starts.items()}

    def _start(self, line: Line) -> float:
        if not self.rtl:
            return min(run.x for run in line.runs)
        fonts = self.pages[line.page][1]
        return max((run.x + self.drawings.of(run, fonts).right for run in line.runs), default=0.0)

    def _entries(self, lines: list[Line], entries: list[Any], edges: dict[bool, float]) -> list[Shown]:
        """Returns the entries of a paragraph with their lines."""
        wanted = [Shown(*entry) if isinstance(entry, list) else Shown(entry, "", "", "") for entry in entries]
        parts = running_parts(lines) if self.is_running else self._line_parts(lines, edges)
        # Between names in two directions on one line, the order of reading is not that of the glyphs. Then, and where
        # the lines are unlike those wanted (never seen; the delivery is not to fail for it), the paragraph is one item.
        if len(parts) != len(wanted) or (self.is_running and self.rtl):
            wanted, parts = [Shown("", "", "", "")], [lines]
        for entry, part in zip(wanted, parts, strict=True):
            entry.lines = part
            for line in part:
                for run in line.runs:
                    self.owners[id(run)] = entry
        return wanted

    def _line_parts(self, lines: list[Line], edges: dict[bool, float]) -> list[list[Line]]:
        parts: list[list[Line]] = []
        for line in lines:
            start = self._start(line)
            if not parts or abs(start - edges[start > self.middle]) < INDENT:
                parts.append([])
            parts[-1].append(line)
        return parts

    def _write(self, number: int) -> dict[int, int]:
        """Writes a page anew. Returns the new marks of what is no name, by those of Typst."""
        found, fonts = self.pages[number]
        page = self.pdf.pages[number]
        content: list[bytes] = []
        written: set[int] = set()
        marks: dict[int, int] = {}
        forms: dict[str, pikepdf.Object] = {}
        next_mark = 0
        for piece in found:
            content.append(piece.before)
            if piece.number is None:
                continue
            if not piece.runs:
                marks[piece.number] = next_mark
                content.append(b"/Span<</MCID %d%s>>BDC\n%sEMC" % (next_mark, piece.properties, piece.body))
                next_mark += 1
            for run in piece.runs:
                entry = self.owners.get(id(run))
                if run.color == NUMBER_COLOR:
                    content.append(b"/Artifact BMC\n%s\nEMC" % self._drawn(run, fonts, forms))
                elif entry is None:  # a dot between running names
                    content.append(b"/Artifact BMC\n%sEMC" % run.source)
                elif id(entry) not in written:
                    written.add(id(entry))
                    for marked, is_detail in self._content(entry, number, forms):
                        content.append(b"/Span<</MCID %d>>BDC\n%sEMC" % (next_mark, marked))
                        (entry.detail_marks if is_detail else entry.marks).append((number, next_mark))
                        next_mark += 1
        page.Contents = self.pdf.make_stream(b"".join([b"q\n", *content, NUMBERS] if self.numbered else content))
        if forms:
            self._add_resources(page, forms)
        return marks

    def _add_resources(self, page: pikepdf.Page, forms: dict[str, pikepdf.Object]) -> None:
        resources: Any = Dictionary(dict(page.Resources.items()))
        objects, fonts = (Dictionary(dict(resources.get(key, {}).items())) for key in ("/XObject", "/Font"))
        for name, form in forms.items():
            objects[f"/{name}"] = form
        fonts[f"/{FONT_NAME}"] = self.unseen_font
        resources.XObject, resources.Font = objects, fonts
        page.Resources = resources

    def _content(self, entry: Shown, number: int, forms: dict[str, pikepdf.Object]) -> list[tuple[bytes, bool]]:
        """Returns what an entry draws on a page, in parts of one language, each with whether it is the detail."""
        lines = [line for line in entry.lines if line.page == number]
        if self._reads_whole(entry):
            all_runs = [run for line in lines for run in line.runs]
            if not entry.is_split:
                return [(b"".join(run.source for run in all_runs), False)]
            parts = [
                (b"".join(run.source for run in all_runs if (run.color == DETAIL_COLOR) == is_detail), is_detail)
                for is_detail in (False, True)
            ]
            return [part for part in parts if part[0]]
        return self._unseen(entry, lines, forms)

    def _reads_whole(self, entry: Shown) -> bool:
        is_plain = not any(b"ActualText" in run.source for line in entry.lines for run in line.runs)
        if is_plain and PLAIN.fullmatch(entry.name + entry.detail):
            return True
        if not entry.name and not entry.detail:
            return True
        if not is_plain:
            return False
        found = "".join(run.text(self.pages[line.page][1]) for line in entry.lines for run in line.runs)
        wanted = entry.name + entry.detail
        if len(entry.lines) == 1:
            return found.replace("\u00a0", " ").strip() == wanted.replace("\u00a0", " ").strip()
        return "".join(found.split()) == "".join(wanted.split())

    def _unseen(self, entry: Shown, lines: list[Line], forms: dict[str, pikepdf.Object]) -> list[tuple[bytes, bool]]:
        drawings = [[self.drawings.of(run, self.pages[line.page][1]) for run in line.runs] for line in entry.lines]
        placed = [list(zip(line.runs, of, strict=True)) for line, of in zip(entry.lines, drawings, strict=True)]
        ends = [(min(run.x + d.left for run, d in one), max(run.x + d.right for run, d in one)) for one in placed]
        texts = share(entry.name + entry.detail, [right - left for left, right in ends])
        name_left = len(entry.name)
        parts: dict[bool, list[bytes]] = {False: [], True: []}
        for line, text, in_line, (left, right) in zip(entry.lines, texts, placed, ends, strict=True):
            end, name_left = min(name_left, len(text)), max(0, name_left - len(text))
            if line not in lines:
                continue
            heights: Counter[float] = Counter()
            for run, drawing in in_line:
                parts[False].append(drawn(run, drawing))
                forms |= drawing.forms
                for height, amount in drawing.heights.items():
                    heights[run.y - height] += amount
            size = max(drawing.size for _run, drawing in in_line)
            baseline = heights.most_common(1)[0][0]  # not that of a mark above
            step, start = (right - left) / max(1, len(text)), right if self.rtl else left
            for words, is_detail in ((text[:end], False), (text[end:], True)):
                if words:
                    width = len(words) * step
                    at = start - width if self.rtl else start
                    rtl = is_right_to_left(words, otherwise=self.rtl)
                    target = parts[is_detail and entry.is_split]
                    target += self.unseen.line(words, at, width, baseline, size, rtl=rtl)
                    start += -width if self.rtl else width
        return [(b"\n".join(part) + b"\n", is_detail) for is_detail, part in parts.items() if part]

    def _drawn(self, run: Run, fonts: dict[str, Font], forms: dict[str, pikepdf.Object]) -> bytes:
        drawing = self.drawings.of(run, fonts)
        forms |= drawing.forms
        return drawn(run, drawing)
