"""The names as the template reads them. A run begins on a new page and holds parts of sections, in paragraphs."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import batched, groupby
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any

from campaign.letters.languages import describe
from signatures.delivery.pdf.document import Entry, sorted_by
from signatures.delivery.pdf.glyphs import LONG_NAME, Glyphs, Text
from signatures.delivery.pdf.name_language import language_of
from signatures.delivery.pdf.wording import RANGE_DASH, Wording
from signatures.states import Source
from signatures.values.names import letter_of

NUMBER = 3  # its place in an entry as the template reads it
MAX_IN_RUN = 10_000  # typst lays out runs in parallel; readers find a name by the numbers over its page
MIN_IN_RUN = 1_500  # a run with fewer takes the next section onto its pages: no page with five names
IN_PARAGRAPH = 50  # measured: all in one is superlinear, one each takes twice as long; `tag_names` parts them again
IN_RUNNING_PARAGRAPH = 20  # justified text costs more; shorter paragraphs are easier to read
NUMBERED = 10  # each such name has its number at the edge of the column, as poems have those of their lines
MARKS: dict[str, str] = {Source.PAPER: "\u00a0°", Source.EVIDENCE: "\u00a0*"}  # behind a name; the annex explains them
BOLD = frozenset({"organizations", "featured"})
# Scripts in which readers look up a name by its first letter, and from how many names on each letter has a heading.
BY_LETTER, MIN_BY_LETTER = frozenset({"script:Latn", "script:Grek", "script:Cyrl"}), 200


@dataclass(frozen=True)
class Part:
    """Entries of one section, numbered from `first`: all of it, or those of one letter.

    Args:
        letter: the heading over them, or empty.
        until: the last number of the section, of which this is the first letter. 0: another letter of it came before.
    """

    section: str
    first: int
    entries: tuple[Entry, ...]
    letter: str = ""
    until: int = -1

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
            run += _by_letter(section, number, batch)
            number += len(batch)
    if run:
        yield run


def _by_letter(section: str, first: int, entries: tuple[Entry, ...]) -> Iterator[Part]:
    """Returns one part, or one for each letter."""
    if section not in BY_LETTER or len(entries) < MIN_BY_LETTER:
        yield Part(section, first, entries)
        return
    number, until = first, first + len(entries) - 1
    for letter, group in groupby(zip(_letters(entries), entries, strict=True), key=itemgetter(0)):
        same = tuple(entry for _letter, entry in group)
        yield Part(section, number, same, letter, until if number == first else 0)
        number += len(same)


def _letters(entries: tuple[Entry, ...]) -> Iterator[str]:
    """Yields the letter of each entry, none of them twice with another one between.

    An erased name has none, and stays under the letter before it; in front of all it stands under the first one. A name
    that was frozen by an older order, too, stays where it is: its letter has had its heading.
    """
    letter = next(filter(None, map(_letter_of, entries)), "")
    had = {letter}
    for entry in entries:
        own = _letter_of(entry)
        if own and own not in had:
            had.add(letter := own)
        yield letter


def _letter_of(entry: Entry) -> str:
    return _cached_letter_of(sorted_by(entry.name)) if entry.name else ""


_cached_letter_of = lru_cache(10_000)(letter_of)


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

    There `runs` has how many paragraphs there are up to the end of each.
    Returns the number of names.
    """
    written = 0
    ends = [0]
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
            ends.append(ends[-1] + len(spoken))
        names.write("]")
        read.write(f'], "runs": {ends[1:]}}}')
    return written


def _run(run: Run, glyphs: Glyphs, wording: Wording, *, running: bool) -> tuple[dict[str, Any], list[Any]]:
    """Returns a run as the template reads it, and its paragraphs as they are read."""
    parts: list[dict[str, Any]] = []
    spoken: list[Any] = []
    for part in run:
        paragraphs: list[Any] = []
        number = part.first
        for batch in batched(part.entries, IN_RUNNING_PARAGRAPH if running else IN_PARAGRAPH):
            numbers = range(number, number + len(batch))
            shown = [
                _entry(entry, glyphs, wording, number=0 if running or place % NUMBERED else place)
                for entry, place in zip(batch, numbers, strict=True)
            ]
            number += len(batch)
            pairs = zip(batch, shown, strict=True)
            spoken.append([_spoken(entry, one[0], one[1], wording, running=running) for entry, one in pairs])
            paragraphs.append(_paragraph(shown, running=running))
        parts.append(
            {
                "title": glyphs.text(wording.heading(part.section)) if part.until else "",
                "range": wording.range(part.first, max(part.until, part.last)) if part.until else None,
                "letter": part.letter,
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
    is_boxed = not isinstance(name, str) and any(isinstance(code, str) and code.startswith("U+") for code in name[1::2])
    if not (beside or language or is_boxed):
        return shown
    is_split = bool(language and beside and shown)  # as `tag_names` has it: then the language is the name's alone
    actual = (entry.name if is_split else entry.name + beside) if is_boxed else ""
    return [shown, beside, language, actual]


def visible(text: Text) -> str:
    """Returns what the template shows of a text: codes in their boxes, and not what is hidden."""
    if isinstance(text, str):
        return text
    words = (piece[0] if isinstance(piece, list) else piece for piece in text)
    return "".join(
        piece
        for place, piece in enumerate(words)
        if place % 2 == 0 or isinstance(text[place], list) or piece.startswith("U+")
    )


def _running_head(run: Run, wording: Wording) -> str:
    """Returns the section, or the first and the last one. Beside it each page has the numbers of its names."""
    headings = (wording.heading(part.section) for part in (run[0], run[-1]))
    return f" {RANGE_DASH} ".join(dict.fromkeys(filter(None, headings)))


def _paragraph(entries: list[list[Any]], *, running: bool) -> list[list[Any]]:
    """Returns the entries. Short names and nothing else are one text up to a number: no name holds a line break."""
    if running:
        return entries
    together: list[list[Any]] = []
    is_open = False
    for entry in entries:
        is_short = _is_short_name(entry)
        if is_short and is_open:
            together[-1] = [f"{together[-1][0]}\n{entry[0]}", *entry[1:]]
        else:
            together.append(entry)
        is_open = is_short and not entry[NUMBER]
    return together


def _is_short_name(entry: list[Any]) -> bool:
    name, detail, is_long, _number, *language = entry
    return not language and not detail and type(name) is str and not is_long


def _entry(entry: Entry, glyphs: Glyphs, wording: Wording, *, number: int) -> list[Any]:
    """Returns name, detail, whether two lines may be needed, number, and the language of Han characters if another.

    The number is empty, if it is 0.
    """
    shown = wording.number(number) if number else ""
    if not entry.name:
        return ["", glyphs.text(wording.words["taken_out" if entry.is_taken_out else "erased"]), False, shown]
    country = wording.country(entry.country) if entry.country else ""
    mark = MARKS.get(entry.source, "")
    name, detail = glyphs.entry(entry.name, entry.role, entry.organization, country, mark=mark)
    is_long = len(visible(name)) + len(visible(detail)) + len(shown) >= LONG_NAME
    return [name, detail, is_long, shown, *glyphs.han_language(entry.name, entry.language, entry.country)]
