"""The delivered document: a letter on its letterhead and everybody who signed it, as an accessible PDF."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from importlib.resources import files
from itertools import batched
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypedDict

from signatures.delivery.pdf.glyphs import Glyphs, by_preference, families_in

TEMPLATE = Path(__file__).parents[3] / "templates" / "pdf" / "letter.typ"
RUNNER = Path(__file__).with_name("typeset.py")
FONT_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")
REGIONS = {"Hans": "CN", "Hant": "TW"}  # typst knows regions, not scripts
SERIF_ENDS = "\u0530"  # typst's own serif draws Latin, Greek and Cyrillic; other scripts are set in sans throughout
ENTRIES_IN_A_PARAGRAPH = 50  # measured: all in one is superlinear, one each takes twice as long
FROM_RIGHT = frozenset({"ar", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"})  # languages typst sets so
SECONDS, NAMES_A_SECOND = 60, 1_000  # the time limit: many times what it takes


class PdfFailed(Exception):
    """No PDF came out. The message holds no word of the letter and no name."""


class Span(TypedDict):
    text: str
    emphasis: bool
    strong: bool


class TextBlock(TypedDict):
    kind: Literal["paragraph", "quote"]
    spans: list[Span]


class ListBlock(TypedDict):
    kind: Literal["list"]
    ordered: bool
    items: list[list[Span]]


Block = TextBlock | ListBlock


@dataclass(frozen=True)
class BoardMember:
    name: str
    office: str = ""


@dataclass(frozen=True)
class Letterhead:
    name: str
    address: str
    telephone: str
    web: str
    board: list[BoardMember]


@dataclass(frozen=True)
class Signatory:
    name: str
    titles: list[str]


@dataclass(frozen=True)
class LetterData:
    title: str
    language: str
    date: str
    addressee: list[str]
    salutation: str
    blocks: list[Block]
    closing: str
    signatories: list[Signatory]
    letterhead: Letterhead


@dataclass(frozen=True)
class Entry:
    name: str
    role: str = ""
    organisation: str = ""
    country: str = ""
    source: str = ""


@dataclass(frozen=True)
class Counts:
    total: int
    named: int
    counted_only: int


def in_english(counts: Counts) -> str:
    if not counts.total:
        return "Nobody has added their name to this letter yet."
    signed = "1 person has signed" if counts.total == 1 else f"{counts.total:,} people have signed"
    if not counts.counted_only:
        return f"{signed}, and is named here." if counts.total == 1 else f"{signed}, and all are named here."
    if not counts.named:
        return f"{signed}, and asked to be counted without their name."
    unnamed = f"{counts.counted_only:,} who asked to be counted without their name"
    return f"{signed}: {counts.named:,} named here and {unnamed}."


@dataclass(frozen=True)
class Words:
    """What the document says of itself, in the language of its letter."""

    letter: str = "Letter"
    co_signatories: str = "Co-signatories"
    board: str = "Board of Directors"
    page: str = "Page {page} of {pages}"
    summary: Callable[[Counts], str] = field(default=in_english, compare=False)


@dataclass(frozen=True)
class Report:
    pages: int
    names: int
    missing: list[str]  # the code points shown in a box
    standards: list[str]


def letter_data(letter: LetterData, counts: Counts | None, words: Words) -> dict[str, Any]:
    """What the template needs to know, with every text still as it was written."""
    data = asdict(letter)
    body = "".join(
        span["text"]
        for block in letter.blocks
        for spans in (block["items"] if block["kind"] == "list" else [block["spans"]])
        for span in spans
    )
    head = letter.letterhead
    data["letterhead"]["contact"] = [part for part in (head.address, head.telephone, head.web) if part]
    data["words"] = {name: text for name, text in vars(words).items() if isinstance(text, str)}
    data["summary"] = None if counts is None else words.summary(counts)
    lang, *subtags = letter.language.split("-")
    regions = [REGIONS.get(tag.title(), tag.upper()) for tag in subtags]
    data["lang"], data["region"] = lang.lower(), next((region for region in regions if len(region) == 2), None)
    data["serif"] = 2 * sum(char < SERIF_ENDS for char in body if char.isalpha()) >= sum(map(str.isalpha, body))
    return data


def write_names(entries: Iterable[Entry], glyphs: Glyphs, to: Path) -> int:
    """Stream the entries into a JSON file, a paragraph's worth at a time."""
    written = 0
    with to.open("w", encoding="utf-8") as file:
        file.write("[")
        for some in batched(entries, ENTRIES_IN_A_PARAGRAPH):
            file.write(
                "," * bool(written)
                + json.dumps(
                    [glyphs.entry(one.name, one.role, one.organisation, one.country, one.source) for one in some]
                )
            )
            written += len(some)
        file.write("]")
    return written


def write(
    letter: LetterData,
    entries: Iterable[Entry],
    *,
    counts: Counts | None,
    out: Path,
    timestamp: datetime,
    fonts: Sequence[Path] = (),
    words: Words = Words(),
) -> Report:
    """Write the PDF to `out`, whole or not at all. `counts=None` writes the letter alone."""
    named = counts.named if counts else 0
    if counts and counts.total != counts.named + counts.counted_only:
        raise ValueError("the counts do not add up")
    if timestamp.tzinfo is None:
        raise ValueError("the time needs a time zone, or each machine would make other bytes")
    folders = tuple(Path(str(files(package))) for package in FONT_PACKAGES) + tuple(fonts)
    faces = families_in(folders)
    from_right = letter.language.split("-")[0].lower() in FROM_RIGHT
    glyphs = Glyphs(by_preference(faces, letter.language), faces, from_right=from_right)
    # Beside `out`, so that the last step is a rename; the names it holds go with it, whatever happens.
    with TemporaryDirectory(dir=out.parent, prefix=".pdf-") as name:
        folder = Path(name)
        if write_names(entries, glyphs, folder / "names.json") != named:
            raise ValueError("the number of entries is not the number to be named")
        data = glyphs.everything(letter_data(letter, counts, words)) | {"plain-title": letter.title}
        data["families"] = glyphs.families_used()
        (folder / "letter.json").write_text(json.dumps(data), encoding="utf-8")
        shutil.copyfile(TEMPLATE, folder / "letter.typ")
        made = typeset(folder, folders, timestamp, SECONDS + named / NAMES_A_SECOND)
        (folder / "letter.pdf").replace(out)
    return Report(names=named, missing=[f"U+{point:04X}" for point in sorted(glyphs.boxed)], **made)


def typeset(folder: Path, fonts: Sequence[Path], timestamp: datetime, seconds: float) -> dict[str, Any]:
    """Run `typeset.py` in a process of its own, with an empty environment; what it says is thrown away."""
    command = [sys.executable, "-I", str(RUNNER), str(folder), str(int(timestamp.timestamp())), *map(str, fonts)]
    try:
        done = subprocess.run(command, capture_output=True, env={}, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise PdfFailed(f"the typesetter took longer than {seconds:.0f} s") from None
    if done.returncode:
        raise PdfFailed(f"the typesetter ended with code {done.returncode}")
    made: dict[str, Any] = json.loads(done.stdout)
    return made
