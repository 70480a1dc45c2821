"""The content of a page as Typst writes it, taken apart into marked pieces and the runs of glyphs in them."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import pikepdf

from campaign.runtime.regular_expressions import DOTALL, Match, linear

END = b"\nQ\nEMC"  # of a piece: Typst ends marked content of its own inside a text object, never after a `Q`
MARK = b"/Span<</MCID "
NEXT = b"\nQ\nq "  # the end of a run, and the begin of something else
RUN = linear(rb"q 1 0 0 -1 (-?[\d.]+) (-?[\d.]+) cm/c0 cs ([\d.]+ [\d.]+ [\d.]+) scn\nBT")
# What a text object consists of: a font and its size, a matrix, a string, a number before or between strings, and a
# string in hexadecimal digits, unless it is a text for readers.
TOKEN = linear(
    rb"/(f\d+) ([\d.]+) Tf|(?<![\d.])(-?[\d.]+) (-?[\d.]+) Tm|(?<!ActualText)(?<!\\)\(((?:[^()\\]|\\.)*+)\)"
    rb"|(?<![\d.])(-?[\d.]+)(?=[(<\]])|(?<!ActualText)<([0-9A-F]+)>",
    DOTALL,
)
TEXT_TOKEN = linear(rb"/(f\d+) [\d.]+ Tf|(?<!ActualText)(?:(?<!\\)\(((?:[^()\\]|\\.)*+)\)|<([0-9A-F]++)>)", DOTALL)
NESTED = linear(rb"(?<!\\)\((?:[^()\\]|\\.)*+\(", DOTALL)
STRING_MARK = linear(rb"\\.|[()]", DOTALL)
ESCAPE = linear(rb"\\([0-7]{3}|.)", DOTALL)
UNESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"} | {
    b"%03o" % code: bytes([code]) for code in range(256)
}
MAPPING = linear(rb"<([0-9A-F]{4})> <([0-9A-F]+)>\n")


@dataclass(slots=True)
class Glyph:
    """One glyph: its font and code, how far right of the origin of its run and below it, and its advance in points."""

    font: "Font"
    size: float
    code: int
    x: float
    y: float
    advance: float


class Font:
    """What is needed of a font in the PDF: texts and widths of its glyphs."""

    def __init__(self, font: pikepdf.Object) -> None:
        self.font = font
        self.descendant = font.DescendantFonts[0]

    @cached_property
    def texts(self) -> dict[int, str]:
        found = MAPPING.findall(self.font.ToUnicode.read_bytes().partition(b"endcodespacerange")[2])
        return {int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in found}

    @cached_property
    def widths(self) -> dict[int, float]:
        """Returns the widths by code, in thousandths of the size. Typst writes ranges of equal widths, and lists."""
        found: dict[int, float] = {}
        items = list(self.descendant.get("/W", []))
        while items:
            first, second = int(items[0]), items[1]
            if isinstance(second, pikepdf.Array):
                found |= {first + place: float(width) for place, width in enumerate(second)}
                items = items[2:]
            else:
                found |= dict.fromkeys(range(first, int(second) + 1), float(items[2]))
                items = items[3:]
        return found

    @cached_property
    def default_width(self) -> float:
        return float(self.descendant.get("/DW", 1000))


@dataclass(slots=True)
class Run:
    """Glyphs of one color, from `q` to `Q`."""

    x: float
    y: float
    color: bytes
    source: bytes
    start: int  # of the text object in the source

    def move(self, dx: float, dy: float) -> None:
        """Moves the run by so many points, `dy` of them up."""
        self.x, self.y = self.x + dx, self.y + dy
        begin = b"q 1 0 0 -1 %.4f %.4f cm" % (self.x, self.y)
        self.source = begin + self.source[self.source.index(b"/c0 cs") :]
        self.start = self.source.index(b"BT") + len(b"BT")

    @property
    def body(self) -> bytes:
        return _flat(self.source[self.start :])

    def text(self, fonts: dict[str, Font]) -> str:
        """Returns what a reader that trusts the order of the glyphs and their fonts alone takes from it."""
        texts: list[str] = []
        known: dict[int, str] = {}
        for font, string, hexadecimal in TEXT_TOKEN.findall(self.body):
            if font:
                known = fonts[font.decode()].texts
            else:
                texts += [known.get(code, "\ufffd") for code in codes(string, hexadecimal)]
        return "".join(texts)

    def glyphs(self, fonts: dict[str, Font]) -> Iterator[Glyph]:
        font, size, x, y = None, 0.0, 0.0, 0.0
        for found in TOKEN.finditer(self.body):
            if found[1]:
                font, size = fonts[found[1].decode()], float(found[2])
            elif found[3]:
                x, y = float(found[3]), float(found[4])
            elif found[6]:
                x -= float(found[6]) * size / 1000
            elif font:
                for code in codes(found[5], found[7]):
                    advance = font.widths.get(code, font.default_width) * size / 1000
                    yield Glyph(font, size, code, x, y, advance)
                    x += advance


@dataclass(slots=True)
class Piece:
    """What stands before a mark, its number, and what is marked. A piece without a number is an artifact."""

    before: bytes
    number: int | None = None
    properties: bytes = b""  # such as a language
    body: bytes = b""
    runs: list[Run] = field(default_factory=list)

    def move(self, dx: float, dy: float) -> None:
        """Moves all that is drawn, in points, `dy` of them up. Runs are moved one by one."""
        moved = b"q 1 0 0 1 %.4f %.4f cm\n%sQ\n"
        if self.number is None:
            self.before = b"\n" + moved % (dx, dy, self.before + b"\n")
        else:
            self.body = moved % (dx, dy, self.body)


def pieces(content: bytes) -> Iterator[Piece]:
    *marked, rest = content.split(END)
    for part in marked:
        before, mark, body = part.rpartition(MARK)
        if not mark:
            yield Piece(part + END)
            continue
        number, _, body = body.partition(b">>BDC\n")
        digits, slash, properties = number.partition(b"/")
        yield Piece(before, int(digits), slash + properties, body + b"\nQ\n")
    yield Piece(rest)


def runs(body: bytes) -> list[Run]:
    """Returns the runs of a piece; nothing if there is anything else in it, such as a frame or an image."""
    first = RUN.match(body)
    if first and body.find(NEXT, first.end()) < 0:  # nearly always
        return [Run(float(first[1]), float(first[2]), first[3], body, first.end())]
    found = list(RUN.finditer(body))
    ends = [one.start() for one in found[1:]] + [len(body)]
    parts = [body[one.start() : end] for one, end in zip(found, ends, strict=True)]
    if b"".join(parts) != body:
        return []
    return [
        Run(float(one[1]), float(one[2]), one[3], part, one.end() - one.start())
        for one, part in zip(found, parts, strict=True)
    ]


def codes(string: bytes, hexadecimal: bytes = b"") -> tuple[int, ...]:
    """Returns the codes of a string, of two bytes each."""
    if hexadecimal:
        plain = bytes.fromhex(hexadecimal.decode())
    else:
        plain = ESCAPE.sub(_unescaped, string) if b"\\" in string else string
    return struct.unpack(f">{len(plain) // 2}H", plain)


def _flat(body: bytes) -> bytes:
    """Returns the body with strings in hexadecimal digits if one of them has parentheses that are not escaped."""
    if not NESTED.search(body):
        return body
    flat, depth, start, end = b"", 0, 0, 0
    for mark in STRING_MARK.finditer(body):
        if mark[0] == b"(":
            depth += 1
            start = mark.end() if depth == 1 else start
        elif mark[0] == b")":
            depth -= 1
            if not depth:
                plain = ESCAPE.sub(_unescaped, body[start : mark.start()])
                flat += body[end : start - 1] + b"<%s>" % plain.hex().upper().encode()
                end = mark.end()
    return flat + body[end:]


def _unescaped(found: Match[bytes]) -> bytes:
    return UNESCAPED.get(found[1]) or found[1]
