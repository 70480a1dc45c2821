"""The names as the template reads them. A run begins on a new page and holds parts of sections, in paragraphs."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import batched, groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from campaign.letters.languages import describe
from signatures.delivery.pdf.document import Entry
from signatures.delivery.pdf.glyphs import LONG_NAME, Glyphs, Text
from signatures.delivery.pdf.name_language import language_of
from signatures.delivery.pdf.wording import RANGE_DASH, Wording

MAX_IN_RUN = 10_000  # typst lays out runs in parallel; readers find a name by the numbers over it
MIN_IN_RUN = 1_500  # a run with fewer takes the next section onto its pages: no page with five names
IN_PARAGRAPH = 50  # measured: all in one is superlinear, one each takes twice as long; `tag_names` parts them again
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


def write_names(runs: Iterable[Run], glyphs: Glyphs, wording: Wording, folder: Path, *, running: bool) -> int:
    """Streams the runs into `names.json`, as they are set, and into `entries.json`, as they are read.

    Returns the number of names.
    """
    written = 0
    with (
        (folder / "names.json").open("w", encoding="utf-8") as names,
        (folder / "entries.json").open("w", encoding="utf-8") as read,
    ):
        names.write("[")
        is_rtl = describe(wording.language).is_rtl
        read.write(f'{{"running": {json.dumps(running)}, "rtl": {json.dumps(is_rtl)}, "paragraphs": [')
        for run in runs:
            shown, spoken = _run(run, glyphs, wording, running=running)
            names.write("," * bool(written) + json.dumps(shown))
            read.write("," * bool(written) + json.dumps(spoken)[1:-1])
            written += count_names(run)
        names.write("]")
        read.write("]}")
    return written


def _run(run: Run, glyphs: Glyphs, wording: Wording, *, running: bool) -> tuple[dict[str, Any], list[Any]]:
    """Returns a run as the template reads it, and its paragraphs as they are read."""
    parts: list[dict[str, Any]] = []
    spoken: list[Any] = []
    for part in run:
        paragraphs: list[Any] = []
        for batch in batched(part.entries, IN_RUNNING_PARAGRAPH if running else IN_PARAGRAPH):
            shown = [_entry(entry, glyphs, wording) for entry in batch]
            pairs = zip(batch, shown, strict=True)
            spoken.append([_spoken(entry, one[0], one[1], wording, running=running) for entry, one in pairs])
            paragraphs.append(_paragraph(shown, running=running))
        parts.append(
            {
                "title": glyphs.text(wording.heading(part.section)),
                "range": wording.range(part.first, part.last),
                "bold": part.section in BOLD,
                "paragraphs": paragraphs,
            }
        )
    return {"head": glyphs.text(_running_head(run, wording)), "parts": parts}, spoken


def _spoken(entry: Entry, name: Text, detail: Text, wording: Wording, *, running: bool) -> str | list[str]:
    """Returns what an entry shows, name and detail, the language of its name, and the name if it is shown otherwise.

    Nearly always that is the name alone.
    """
    shown, beside = visible(name), visible(detail)
    if shown and beside:
        beside = f" ({beside})" if running else f" \u00b7 {beside}"
    language = language_of(entry.name, entry.language, wording.language)
    is_boxed = not isinstance(name, str) and any(code.startswith("U+") for code in name[1::2])
    if not (beside or language or is_boxed):
        return shown
    is_split = bool(language and beside and shown)  # as `tag_names` has it: then the language is the name's alone
    actual = (entry.name if is_split else entry.name + beside) if is_boxed else ""
    return [shown, beside, language, actual]


def visible(text: Text) -> str:
    """Returns what the template shows of a text: codes in their boxes, and not what is hidden."""
    if isinstance(text, str):
        return text
    return "".join(piece for place, piece in enumerate(text) if place % 2 == 0 or piece.startswith("U+"))


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
    return "\n".join(name for name, *_others in entries)


def _is_short_name(entry: list[Any]) -> bool:
    name, detail, is_long, *language = entry
    return not language and not detail and type(name) is str and not is_long


def _entry(entry: Entry, glyphs: Glyphs, wording: Wording) -> list[Any]:
    """Returns name, detail, whether two lines may be needed, and the language of Han characters if it is another."""
    if not entry.name:
        return ["", glyphs.text(wording.words["erased"]), False]
    country = wording.country(entry.country) if entry.country else ""
    mark = "\u00a0°" if entry.on_paper else ""
    name, detail = glyphs.entry(entry.name, entry.role, entry.organization, country, mark=mark)
    is_long = len(visible(name)) + len(visible(detail)) >= LONG_NAME
    return [name, detail, is_long, *glyphs.han_language(entry.name, entry.language)]
