"""Text that is read and not seen, for lines whose shaping loses it.

In many scripts glyphs are joined, split, moved and drawn from right to left. A PDF maps each glyph to a text, in the
order of drawing: tools that trust this get another name. `ActualText` would repair it; not all tools read it, and those
that do turn a name from right to left around. So such a line is drawn as outlines, and its text stands over it as text
is laid over a scanned page: in logical order, each character by itself, those of a script from right to left one step
back after another. Both poppler and MuPDF read that as it was written.
"""

import unicodedata
from collections.abc import Callable
from functools import cache
from io import BytesIO
from itertools import groupby
from typing import Any

import pikepdf
from fontTools.cffLib import CFFFontSet
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.basePen import BasePen
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from pikepdf import Array, Dictionary, Name

from signatures.delivery.typesetter.page_content import Font

RIGHT_TO_LEFT = frozenset({"R", "AL"})
LEFT_TO_RIGHT = frozenset({"L", "EN", "AN"})
FONT_NAME = "Unseen"
HALF = 500  # the width of each character, in thousandths; the scale makes the line as wide as its outlines
OVERLAP = 4  # of characters from right to left: poppler takes gaps for spaces that all lie above the smallest one
BEYOND = 0xD800  # codes for characters beyond the first plane, which has none here
CMAP = (
    b"/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
    b"/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
    b"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
    b"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n%s"
    b"endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"
)
AT_ONCE = 100  # mappings in one section, which the standard limits


CFF_VERSION, CFF_UNITS = b"\x01", 1000  # of an em, in the fonts that Typst embeds
# What draws a glyph by its number, the units of an em, and the glyphs of which a glyph may be made.
Face = tuple[Callable[[int, BasePen], None], float, Any]


class Pen(BasePen):  # type: ignore[misc]  # fontTools comes without types
    """Writes an outline as operators of a page. Fractions of a unit are not seen."""

    def __init__(self, glyphs: Any) -> None:
        super().__init__(glyphs)
        self.operators: list[str] = []

    def _add(self, operator: str, *points: tuple[float, float]) -> None:
        self.operators.append(" ".join([*(f"{value:.0f}" for point in points for value in point), operator]))

    def _moveTo(self, pt: tuple[float, float]) -> None:  # noqa: N802  # fontTools calls it so
        self._add("m", pt)

    def _lineTo(self, pt: tuple[float, float]) -> None:  # noqa: N802  # fontTools calls it so
        self._add("l", pt)

    def _curveToOne(self, pt1: tuple[float, float], pt2: tuple[float, float], pt3: tuple[float, float]) -> None:  # noqa: N802  # fontTools calls it so
        self._add("c", pt1, pt2, pt3)

    def _closePath(self) -> None:  # noqa: N802  # fontTools calls it so
        self._add("h")

    _endPath = _closePath  # noqa: N815  # the same


class Outlines:
    """The outlines of glyphs as form XObjects, each drawn once in a file."""

    def __init__(self, pdf: pikepdf.Pdf) -> None:
        self.pdf = pdf
        self.forms: dict[tuple[object, int], tuple[str, pikepdf.Object | None]] = {}
        self.opened: dict[object, Face] = {}

    def form(self, font: Font, code: int) -> tuple[str, pikepdf.Object | None]:
        """Returns the name of the form and the form, in thousandths of the size; no form of a space."""
        key = (font.descendant.objgen, code)
        if key not in self.forms:
            draw, units, glyphs = self._face(font)
            pen = Pen(glyphs)
            scale = 1000 / units
            draw(code, TransformPen(pen, (scale, 0, 0, scale, 0, 0)))
            form = None
            if pen.operators:
                form = self.pdf.make_stream(
                    "\n".join([*pen.operators, "f"]).encode(),
                    Type=Name.XObject,
                    Subtype=Name.Form,
                    BBox=Array([-2000, -2000, 4000, 2000]),
                    Resources=Dictionary(),
                )
            self.forms[key] = (f"G{len(self.forms)}", form)
        return self.forms[key]

    def _face(self, font: Font) -> Face:
        key = font.descendant.objgen
        if key not in self.opened:
            descriptor = font.descendant.FontDescriptor
            program = descriptor["/FontFile2" if "/FontFile2" in descriptor else "/FontFile3"]
            self.opened[key] = _opened(program.read_bytes())
        return self.opened[key]


def _opened(program: bytes) -> Face:
    """Returns the face of an embedded font. CFF fonts (Libertinus, Noto CJK) come without the tables around them."""
    if program[:1] == CFF_VERSION:
        fonts = CFFFontSet()
        fonts.decompile(BytesIO(program), None, isCFF2=False)
        top = fonts[0]
        return lambda code, pen: top.CharStrings[top.charset[code]].draw(pen), CFF_UNITS, top.CharStrings
    font = TTFont(BytesIO(program), lazy=True)
    glyphs = font.getGlyphSet()
    return lambda code, pen: glyphs[font.getGlyphName(code)].draw(pen), font["head"].unitsPerEm, glyphs


class UnseenText:
    """The font of unseen text, with the characters that are used."""

    def __init__(self) -> None:
        self.used: set[int] = set()
        self.beyond: dict[str, int] = {}

    def _code(self, char: str) -> int:
        code = ord(char) if ord(char) < 0x10000 else self.beyond.setdefault(char, BEYOND + len(self.beyond))
        self.used.add(code)
        return code

    def line(self, text: str, x: float, width: float, y: float, size: float, *, rtl: bool) -> list[bytes]:
        """Returns the operators that write each character of a text, unseen, over a line of this width."""
        step = width / len(text)
        scale = step / (size * HALF / 1000) * 100
        start, parts = (x + width if rtl else x), []
        for is_back, chars in directions(text, rtl=rtl):
            length = len(chars) * step
            left = start - length if rtl else start
            hexes = [f"{self._code(char):04X}" for char in chars]
            shown = f"[{HALF}<{f'>{2 * HALF - OVERLAP}<'.join(hexes)}>]TJ" if is_back else f"<{''.join(hexes)}>Tj"
            at = left + length if is_back else left
            parts.append(f"/{FONT_NAME} {size:g} Tf 1 0 0 1 {at:.3f} {y:.3f} Tm{shown}".encode())
            start += -length if rtl else length
        return [b"q BT 3 Tr %.2f Tz" % scale, *parts, b"ET Q"]

    def font(self, pdf: pikepdf.Pdf) -> Dictionary:
        texts = {code: chr(code) for code in self.used} | {code: char for char, code in self.beyond.items()}
        lines = [
            b"<%04X> <%s>\n" % (code, text.encode("utf-16-be").hex().upper().encode())
            for code, text in sorted(texts.items())
        ]
        sections = [lines[start : start + AT_ONCE] for start in range(0, len(lines), AT_ONCE)]
        mapping = b"".join(b"%d beginbfchar\n%sendbfchar\n" % (len(part), b"".join(part)) for part in sections)
        descriptor = Dictionary(
            Type=Name.FontDescriptor, FontName=Name(f"/{FONT_NAME}"), Flags=4, FontBBox=Array([0, -250, 500, 850]),
            ItalicAngle=0, Ascent=850, Descent=-250, CapHeight=700, StemV=80, FontFile2=pdf.make_stream(_one_box()),
        )  # fmt: skip
        glyphs = pdf.make_stream(b"\0\1" * (max(self.used) + 1))  # the box for every code
        system = Dictionary(Registry=pikepdf.String("Adobe"), Ordering=pikepdf.String("Identity"), Supplement=0)
        descendant = Dictionary(
            Type=Name.Font, Subtype=Name.CIDFontType2, BaseFont=Name(f"/{FONT_NAME}"), CIDSystemInfo=system, DW=HALF,
            CIDToGIDMap=glyphs, FontDescriptor=pdf.make_indirect(descriptor),
        )  # fmt: skip
        return Dictionary(
            Type=Name.Font, Subtype=Name.Type0, BaseFont=Name(f"/{FONT_NAME}"), Encoding=Name("/Identity-H"),
            ToUnicode=pdf.make_stream(CMAP % mapping), DescendantFonts=Array([pdf.make_indirect(descendant)]),
        )  # fmt: skip


def _one_box() -> bytes:
    """Returns a font with one glyph, which is never drawn. MuPDF drops text without extent."""
    pen = TTGlyphPen(None)
    for place, point in enumerate(((0, 0), (0, 700), (HALF, 700), (HALF, 0))):
        (pen.lineTo if place else pen.moveTo)(point)
    pen.closePath()
    box = pen.glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "box"])
    builder.setupCharacterMap({})
    builder.setupGlyf({".notdef": box, "box": box})
    builder.setupHorizontalMetrics({".notdef": (HALF, 0), "box": (HALF, 0)})
    builder.setupHorizontalHeader(ascent=850, descent=-250)
    builder.setupOS2()
    builder.setupPost()
    builder.font["head"].created = builder.font["head"].modified = 0
    builder.font.recalcTimestamp = False
    target = BytesIO()
    builder.font.save(target)
    return target.getvalue()


def directions(text: str, *, rtl: bool) -> list[tuple[bool, str]]:
    """Returns the stretches of a line in logical order, each with whether it runs from right to left.

    Signs between two stretches of one direction belong to them; others run as the line does.
    """
    kinds = [_direction(char) for char in text]
    if (not rtl) not in kinds:  # nearly always: signs between them run as the line does
        return [(rtl, text)]
    last: bool | None = None
    following: list[bool | None] = []
    for kind in reversed(kinds):
        last = kind if kind is not None else last
        following.append(last)
    following.reverse()
    before: bool | None = None
    decided: list[bool] = []
    for kind, after in zip(kinds, following, strict=True):
        before = kind if kind is not None else before
        same = before if before == after and before is not None else rtl
        decided.append(kind if kind is not None else same)
    return [
        (is_back, "".join(char for char, _ in group))
        for is_back, group in groupby(zip(text, decided, strict=True), key=lambda pair: pair[1])
    ]


@cache
def _direction(char: str) -> bool | None:
    kind = unicodedata.bidirectional(char)
    return True if kind in RIGHT_TO_LEFT else False if kind in LEFT_TO_RIGHT else None


def is_right_to_left(text: str, *, otherwise: bool) -> bool:
    """Returns the direction of the first letter, as the isolates of the template have it."""
    return next((found for char in text if (found := _direction(char)) is not None), otherwise)


def share(text: str, widths: list[float]) -> list[str]:
    """Divides the text of an entry among its lines by their widths, between words where there are enough.

    Where exactly a line ends in it makes no difference to who reads all lines.
    """
    if len(widths) == 1:
        return [text]
    words = text.split(" ") if text.count(" ") >= len(widths) else list(text)
    glue = " " if len(words) != len(text) else ""
    shares: list[str] = []
    total, passed, start = sum(widths), 0.0, 0
    for place, width in enumerate(widths):
        passed += width
        left = len(widths) - place - 1
        end = (
            len(words) - left
            if not left
            else min(max(start + 1, round(len(words) * passed / total)), len(words) - left)
        )
        shares.append(glue.join(words[start:end]) + (glue if left else ""))
        start = end
    return shares
