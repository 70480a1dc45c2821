"""What a typographer would find before anything is printed: characters that no font draws, and nearly empty pages."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pikepdf

from signatures.delivery.pdf.document import Entry
from signatures.delivery.pdf.fonts import by_preference, faces_at_hand, package_for, script_name_of
from signatures.delivery.pdf.glyphs import NO_FAMILY, Glyphs

MAX_EXAMPLES = 10  # names that are kept of each script
NEARLY_EMPTY = 10  # lines at different heights, head and page number among them
SMALL_PAGE = 2_500  # bytes of a page as it is stored; only a smaller one can be nearly empty, and is read


@dataclass
class Boxed:
    """The names in which characters of one script would be a code in a box."""

    script: str  # in English
    package: str  # of Debian, that may help; empty where none does
    is_drawable: bool = False  # fonts are not the reason: too many accents on a letter, or a sign that turns text
    codes: set[str] = field(default_factory=set)
    names: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def sorted_codes(self) -> list[str]:
        return sorted(self.codes)


class Survey:
    """Looks at each entry on its way to the document."""

    def __init__(self, fonts: Sequence[Path] = ()) -> None:
        self.faces = faces_at_hand(tuple(fonts))
        self.glyphs = Glyphs(by_preference(self.faces, ""), self.faces, han="")
        self.found: dict[tuple[str, str], Boxed] = {}

    def watch(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        for entry in entries:
            self.look_at(entry)
            yield entry

    def look_at(self, entry: Entry) -> None:
        seen: set[tuple[str, str]] = set()
        for words in (entry.name, entry.role, entry.organization):
            pieces = self.glyphs.text(words)
            if isinstance(pieces, str):
                continue
            codes = (piece for piece in pieces[1::2] if isinstance(piece, str) and piece.startswith("U+"))
            seen.update(self._note(code) for code in codes)
        for key in seen:
            boxed = self.found[key]
            boxed.names += 1
            if len(boxed.examples) < MAX_EXAMPLES:
                boxed.examples.append(entry.name)

    def _note(self, code: str) -> tuple[str, str]:
        char = chr(int(code.replace("U+", "0x"), 0))
        is_drawable = self.glyphs.rank(char) < NO_FAMILY
        package = "" if is_drawable else package_for(char, self.faces)
        key = (script_name_of(char), f"{package}{is_drawable}")
        self.found.setdefault(key, Boxed(key[0], package, is_drawable)).codes.add(code)
        return key

    @property
    def boxed(self) -> list[Boxed]:
        """What was found, the most names first."""
        return sorted(self.found.values(), key=lambda boxed: (-boxed.names, boxed.script))


def nearly_empty_pages(file: Path) -> list[int]:
    """Returns the numbers, from 1, of the pages that hold a few lines alone."""
    with pikepdf.open(file) as document:
        return [number for number, page in enumerate(document.pages, 1) if _is_nearly_empty(page)]


def _is_nearly_empty(page: pikepdf.Page) -> bool:
    contents = page.obj.Contents
    streams = list(contents) if isinstance(contents, pikepdf.Array) else [contents]  # several, after joining
    if sum(len(stream.read_raw_bytes()) for stream in streams) >= SMALL_PAGE:
        return False
    heights, origin, line = set(), 0.0, 0.0
    for instruction in pikepdf.parse_content_stream(page):
        match str(instruction.operator):
            case "cm":
                origin = float(instruction.operands[5])
            case "Tm":
                line = float(instruction.operands[5])
            case "Tj" | "TJ":
                heights.add(round(origin - line))
    return len(heights) < NEARLY_EMPTY
