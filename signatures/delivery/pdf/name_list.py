"""The names as the template reads them. A run begins on a new page and holds parts of sections, in paragraphs."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import batched, groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from signatures.delivery.pdf.document import Entry
from signatures.delivery.pdf.glyphs import LONG_NAME, Glyphs
from signatures.delivery.pdf.wording import RANGE_DASH, Wording

MAX_IN_RUN = 10_000  # typst lays out runs in parallel; readers find a name by the numbers over it
MIN_IN_RUN = 1_500  # a run with fewer takes the next section onto its pages: no page with five names
IN_PARAGRAPH = 50  # measured: all in one is superlinear, one each takes twice as long
IN_RUNNING_PARAGRAPH = 20  # justified text costs more; shorter paragraphs are easier to read
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
        for batch in batched(group, MAX_IN_RUN):
            if count_names(run) >= MIN_IN_RUN:
                yield run
                run = []
            run.append(Part(section, number, batch))
            number += len(batch)
    if run:
        yield run


def count_names(run: Run) -> int:
    return sum(len(part.entries) for part in run)


def sets(runs: Iterable[Run], size: int) -> Iterator[list[Run]]:
    """Returns lists of runs to be typeset together, each with about `size` names."""
    together: list[Run] = []
    for run in runs:
        if together and sum(map(count_names, together)) + count_names(run) > size:
            yield together
            together = []
        together.append(run)
    if together:
        yield together


def write_names(runs: Iterable[Run], glyphs: Glyphs, wording: Wording, to: Path, *, running: bool) -> int:
    """Streams the runs into a JSON file. Returns the number of names."""
    written = 0
    with to.open("w", encoding="utf-8") as file:
        file.write("[")
        for run in runs:
            file.write("," * bool(written) + json.dumps(_run(run, glyphs, wording, running=running)))
            written += count_names(run)
        file.write("]")
    return written


def _run(run: Run, glyphs: Glyphs, wording: Wording, *, running: bool) -> dict[str, Any]:
    parts = [
        {
            "title": glyphs.text(wording.heading(part.section)),
            "range": wording.range(part.first, part.last),
            "bold": part.section in BOLD,
            "paragraphs": [
                _paragraph([_entry(entry, glyphs, wording) for entry in batch], running=running)
                for batch in batched(part.entries, IN_RUNNING_PARAGRAPH if running else IN_PARAGRAPH)
            ],
        }
        for part in run
    ]
    return {"head": glyphs.text(_running_head(run, wording)), "parts": parts}


def _running_head(run: Run, wording: Wording) -> str:
    """Returns the section with its numbers, or the first and the last section."""
    first, last = run[0], run[-1]
    if len(run) == 1:
        heading = wording.heading(first.section)
        return f"{heading}{wording.words['before_range']}{wording.range(first.first, first.last)}" if heading else ""
    return f"{wording.heading(first.section)} {RANGE_DASH} {wording.heading(last.section)}"


def _paragraph(entries: list[list[Any]], *, running: bool) -> list[list[Any]] | str:
    """Returns the entries, or one text if they are short names and nothing else: no name holds a line break."""
    if running or not all(map(_is_short_name, entries)):
        return entries
    return "\n".join(name for name, _detail in entries)


def _is_short_name(entry: list[Any]) -> bool:
    name, detail, *language = entry
    return not language and not detail and type(name) is str and len(name) < LONG_NAME


def _entry(entry: Entry, glyphs: Glyphs, wording: Wording) -> list[Any]:
    """Returns name, detail, and the language and region of Han characters if they are not the document's."""
    if not entry.name:
        return ["", glyphs.text(wording.words["erased"])]
    country = wording.country(entry.country) if entry.country else ""
    mark = "\u00a0°" if entry.on_paper else ""
    name, detail = glyphs.entry(entry.name, entry.role, entry.organization, country, mark=mark)
    return [name, detail, *glyphs.han_language(entry.name, entry.language, entry.country)]
