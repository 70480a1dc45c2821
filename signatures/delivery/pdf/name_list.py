"""The names as the template reads them: page runs of sections of paragraphs. A run begins on a new page."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import batched, groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from signatures.delivery.pdf.document import Entry
from signatures.delivery.pdf.glyphs import LONG, Glyphs
from signatures.delivery.pdf.wording import RANGE_DASH, Wording

IN_A_RUN = 10_000  # typst lays out runs in parallel; readers find a name by the numbers over it
ENOUGH = 1_500  # a run with fewer takes the next section onto its pages: no page with five names
IN_A_PARAGRAPH = 50  # measured: all in one is superlinear, one each takes twice as long
RUNNING_PARAGRAPH = 20  # justified text costs more; shorter paragraphs are easier to read
BOLD = frozenset({"organizations", "featured"})


@dataclass(frozen=True)
class Part:
    """Entries of one section, numbered from `first`."""

    section: str
    first: int
    entries: tuple[Entry, ...]

    @property
    def last(self) -> int:
        return self.first + len(self.entries) - 1


Run = list[Part]


def runs(entries: Iterable[Entry]) -> Iterator[Run]:
    run: Run = []
    number = 1
    for section, group in groupby(entries, key=attrgetter("section")):
        for some in batched(group, IN_A_RUN):
            if size(run) >= ENOUGH:
                yield run
                run = []
            run.append(Part(section, number, some))
            number += len(some)
    if run:
        yield run


def size(run: Run) -> int:
    return sum(len(part.entries) for part in run)


def sets(runs: Iterable[Run], names: int) -> Iterator[list[Run]]:
    """Runs to be typeset together: so many that they hold about this many names."""
    together: list[Run] = []
    for run in runs:
        if together and sum(map(size, together)) + size(run) > names:
            yield together
            together = []
        together.append(run)
    if together:
        yield together


def write_names(runs: Iterable[Run], glyphs: Glyphs, frame: Wording, to: Path, *, running: bool) -> int:
    """Stream the runs into a JSON file; how many names."""
    written = 0
    with to.open("w", encoding="utf-8") as file:
        file.write("[")
        for run in runs:
            file.write("," * bool(written) + json.dumps(_run(run, glyphs, frame, running=running)))
            written += size(run)
        file.write("]")
    return written


def _run(run: Run, glyphs: Glyphs, frame: Wording, *, running: bool) -> dict[str, Any]:
    titles = [frame.titled(frame.heading(part.section), part.first, part.last) for part in run]
    head = (
        titles[0] if len(run) == 1 else f" {RANGE_DASH} ".join(frame.heading(run[place].section) for place in (0, -1))
    )
    parts = [
        {
            "title": glyphs.text(frame.heading(part.section)),
            "range": frame.range(part.first, part.last),
            "bold": part.section in BOLD,
            "paragraphs": [
                _paragraph([_entry(one, glyphs, frame) for one in some], running=running)
                for some in batched(part.entries, RUNNING_PARAGRAPH if running else IN_A_PARAGRAPH)
            ],
        }
        for part in run
    ]
    return {"head": glyphs.text(head), "parts": parts}


def _paragraph(entries: list[list[Any]], *, running: bool) -> list[list[Any]] | str:
    """The entries, or one text when they are short names and nothing else: no name holds a line break."""
    if running or any(len(one) > 2 or one[1] or type(one[0]) is not str or len(one[0]) >= LONG for one in entries):
        return entries
    return "\n".join(one[0] for one in entries)


def _entry(one: Entry, glyphs: Glyphs, frame: Wording) -> list[Any]:
    if not one.name:
        return ["", glyphs.text(frame.words["erased"])]
    country = frame.country(one.country) if one.country else ""
    name, said = glyphs.entry(one.name, one.role, one.organization, country, mark="\u00a0°" if one.on_paper else "")
    language = glyphs.han_language(one.name, one.language)
    return [name, said, *language] if language else [name, said]
