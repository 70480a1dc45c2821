"""The delivered document: a letter on its letterhead and everybody who signed it, as an accessible PDF."""

import json
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from importlib.resources import files
from itertools import batched
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypedDict

import pikepdf
import typst
from fontTools.ttLib import TTFont

TEMPLATE = Path(__file__).parents[2] / "templates" / "pdf" / "letter.typ"
FONT_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")
FIRST_FAMILY, CJK, LAST_FAMILY = "Noto Sans", "Noto Sans CJK ", "Noto Emoji"  # CJK lacks Ł; Emoji would take the digits
CJK_FACES = {"ja": "JP", "ko": "KR", "zh-hant": "TC", "zh-tw": "TC", "zh-hk": "HK", "zh-mo": "HK"}
REGIONS = {"Hans": "CN", "Hant": "TW"}  # typst knows regions, not scripts
SERIF_ENDS = "\u0530"  # typst's own serif draws Latin, Greek and Cyrillic; other scripts are set in sans throughout
STANDARDS: "list[typst.PDFStandard]" = ["ua-1", "a-2a"]
ENTRIES_IN_A_PARAGRAPH = 50  # measured: all in one is superlinear, one each takes twice as long
NO_FAMILY = 1_000
MARKS_ON_A_LETTER = 4  # more would be drawn over the neighbours
LONG_WORD = re.compile(r"[^\s\u2010-\u2015\u2e80-\ua4cf\uac00-\ud7af-]{25,}")  # wider than a column, nowhere to break
ISOLATE, END_ISOLATE, MAY_BREAK = "\u2068", "\u2069", "\u200b"
JOINING = re.compile("[\u034f\u200c\u200d\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef]")  # never drawn alone
HIDDEN = frozenset("\u00ad\u061c\u200b\u200e\u200f\u2060")  # act on the line, or beside it; a reader must not find them
EMBEDDINGS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # would turn the neighbours around
RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
FROM_RIGHT = frozenset({"ar", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"})  # languages typst sets so
SECONDS, NAMES_A_SECOND = 60, 1_000  # the time limit: many times what it takes

Text = str | list[str]  # as the template reads it: in a list, the odd places are code points to box or to hide


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


@cache
def families_in(folders: tuple[Path, ...]) -> dict[str, frozenset[tuple[str, int]]]:
    """Look up the font families in these folders, each with its files and the face within the file."""
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=list(folders)).fonts()
    return {
        family: frozenset((font.path, font.index) for font in fonts if font.path and font.family == family)
        for family in {font.family for font in fonts}
    }


@cache
def drawable(faces: frozenset[tuple[str, int]]) -> frozenset[int]:
    """Read the code points that one of these faces can draw."""
    points: set[int] = set()
    for path, index in faces:
        with TTFont(path, fontNumber=index, lazy=True) as font:
            points.update(font.getBestCmap() or ())
    return frozenset(points)


def by_preference(families: Iterable[str], language: str) -> list[str]:
    """Noto Sans, then the one CJK face that suits the letter, then the rest."""
    tag = language.lower()
    face = CJK + next((CJK_FACES[start] for start in CJK_FACES if tag.startswith(start)), "SC")
    ranks = {FIRST_FAMILY: 0, face: 1, LAST_FAMILY: 3}
    return sorted(
        (family for family in families if family == face or not family.startswith(CJK)),
        key=lambda family: (ranks.get(family, 2), family),
    )


class Glyphs:
    """Makes texts safe to set: what cannot be drawn becomes a code point to be boxed, and is remembered."""

    def __init__(
        self, families: Sequence[str], faces: Mapping[str, frozenset[tuple[str, int]]], *, from_right: bool
    ) -> None:
        self.families, self.faces, self.from_right = families, faces, from_right
        self.plain: set[str] = set()
        self.boxed: set[int] = set()
        self.used = {0}  # digits and the boxes themselves
        self.rank = cache(self.first_family)

    def first_family(self, char: str) -> int:
        draws = (place for place, family in enumerate(self.families) if ord(char) in drawable(self.faces[family]))
        first = next(draws, NO_FAMILY)
        self.used.add(first)
        return first

    def families_used(self) -> list[str]:
        return [family for place, family in enumerate(self.families) if place in self.used]  # each one costs time

    def text(self, words: str) -> Text:
        if self.plain.issuperset(words):  # nearly always
            return words
        unusual = set(words) - self.plain
        self.plain |= {
            char
            for char in unusual
            if self.rank(char) < NO_FAMILY
            and (char == " " or unicodedata.category(char)[0] in "LNPS")
            and unicodedata.bidirectional(char) not in RIGHT_TO_LEFT
        }
        pieces = self.spell(words)
        if any(unicodedata.bidirectional(char) in RIGHT_TO_LEFT for char in unusual):
            pieces = ["", ISOLATE, *pieces, END_ISOLATE, ""]
        return pieces if len(pieces) > 1 else pieces[0]

    def spell(self, words: str) -> list[str]:
        """Split into what can be drawn and, at the odd places, the code points that cannot."""
        pieces, base, marks = [""], -1, 0
        for char in words:
            category = unicodedata.category(char)
            if char in HIDDEN:
                pieces += [char, ""]
                continue
            if JOINING.match(char) or category in {"Cc", "Zl", "Zp"}:
                pieces[-1] += char if JOINING.match(char) else " "
                continue
            is_mark, rank = category[0] == "M", self.rank(char)
            marks, base = (marks + (category != "Mc"), base) if is_mark else (0, rank)
            # A family that has the mark but comes before its letter's own would draw the mark and drop the letter.
            if rank == NO_FAMILY or char in EMBEDDINGS or marks > MARKS_ON_A_LETTER or (is_mark and rank < base):
                pieces += [f"U+{ord(char):04X}", ""]
                self.boxed.add(ord(char))
            else:
                pieces[-1] += char
        return pieces

    def everything(self, value: Any) -> Any:
        """Every text in nested plain data."""
        match value:
            case str():
                return self.text(value)
            case list():
                return [self.everything(one) for one in value]
            case dict():
                return {key: self.everything(one) for key, one in value.items()}
        return value

    def part(self, words: str) -> list[str]:
        """A name, or a thing said of it: may break, and keeps its direction to itself."""
        text = self.text(LONG_WORD.sub(breakable, words))
        pieces = [text] if isinstance(text, str) else text
        if self.from_right:
            pieces = ["", ISOLATE, *pieces, END_ISOLATE, ""]
        return pieces

    def entry(self, entry: Entry) -> list[Text]:
        said: list[str] = []
        for words in filter(None, (entry.role, entry.organisation, entry.country)):
            first, *others = self.part(words)
            said = [*said[:-1], f"{said[-1]}, {first}", *others] if said else [first, *others]
        return [pieces if len(pieces) > 1 else "".join(pieces) for pieces in (self.part(entry.name), said)]


def breakable(word: re.Match[str]) -> str:
    pieces = [""]
    for char in word[0]:
        if len(pieces[-1]) >= 8 and unicodedata.category(char)[0] not in "MC":
            pieces.append("")
        pieces[-1] += char
    return MAY_BREAK.join(pieces)


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
            file.write("," * bool(written) + json.dumps([glyphs.entry(entry) for entry in some]))
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
    """Run typst in a process of its own: its cache would stay in memory, and its messages quote the names."""
    command = [sys.executable, "-I", __file__, str(folder), str(int(timestamp.timestamp())), *map(str, fonts)]
    try:
        done = subprocess.run(command, capture_output=True, env={}, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise PdfFailed(f"the typesetter took longer than {seconds:.0f} s") from None
    if done.returncode:
        raise PdfFailed(f"the typesetter ended with code {done.returncode}")
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def typeset_here(folder: Path, timestamp: int, fonts: list[str]) -> dict[str, Any]:
    for standards in (STANDARDS, []):  # a glyph missing after all costs the seal, never the document
        try:
            typst.compile(
                str(folder / "letter.typ"),
                str(folder / "raw.pdf"),
                root=str(folder),
                font_paths=fonts,
                ignore_system_fonts=True,
                pdf_standards=standards,
                timestamp=timestamp,
            )
            break
        except typst.TypstError:
            if not standards:
                raise
    with pikepdf.open(folder / "raw.pdf") as pdf:
        pdf.save(folder / "letter.pdf", object_stream_mode=pikepdf.ObjectStreamMode.generate, deterministic_id=True)
        return {"pages": len(pdf.pages), "standards": standards}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(typeset_here(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])))
