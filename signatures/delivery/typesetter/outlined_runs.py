"""Runs of glyphs as they are drawn by their outlines. The same words come again and again: each is worked out once."""

from collections import Counter
from dataclasses import dataclass

import pikepdf

from signatures.delivery.typesetter.page_content import Font, Run
from signatures.delivery.typesetter.unseen_text import Outlines


@dataclass(slots=True)
class Drawing:
    """What draws a run, wherever it stands: operators, the forms in them by name, and lengths in points.

    Args:
        left, right: where the glyphs begin and end, from the origin of the run.
        size: of the first glyph of the largest size.
        heights: how many glyphs stand how far below the origin.
    """

    source: bytes
    forms: dict[str, pikepdf.Object]
    left: float
    right: float
    size: float
    heights: Counter[float]


class Drawings:
    def __init__(self, pdf: pikepdf.Pdf) -> None:
        self.outlines = Outlines(pdf)
        self.known: dict[tuple[int, bytes], Drawing] = {}

    def of(self, run: Run, fonts: dict[str, Font]) -> Drawing:
        key = (id(fonts), run.source[run.start :])
        if key not in self.known:
            self.known[key] = self._drawing(run, fonts)
        return self.known[key]

    def _drawing(self, run: Run, fonts: dict[str, Font]) -> Drawing:
        glyphs = list(run.glyphs(fonts))
        operators: list[bytes] = []
        forms: dict[str, pikepdf.Object] = {}
        for glyph in glyphs:
            name, form = self.outlines.form(glyph.font, glyph.code)
            if form is None:  # a space
                continue
            forms[name] = form
            place = (glyph.size / 1000, glyph.size / 1000, glyph.x, -glyph.y, name.encode())
            operators.append(b"q %.4f 0 0 %.4f %.3f %.3f cm/%s Do Q\n" % place)
        left = min((glyph.x for glyph in glyphs), default=0.0)
        right = max((glyph.x + glyph.advance for glyph in glyphs), default=0.0)
        size = max((glyph.size for glyph in glyphs), default=0.0)
        heights = Counter(glyph.y for glyph in glyphs)
        return Drawing(b"".join(operators), forms, left, right, size, heights)


def drawn(run: Run, drawing: Drawing) -> bytes:
    """Returns what draws a run by outlines, where it stands on its page."""
    return b"q /c0 cs %s scn 1 0 0 1 %.3f %.3f cm\n%sQ" % (run.color, run.x, run.y, drawing.source)
