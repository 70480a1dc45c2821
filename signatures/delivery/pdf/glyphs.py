"""Finds the font of each character. A character that no font draws is shown as its code in a box, never dropped."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import typst
from fontTools.ttLib import TTFont

from campaign.runtime.regular_expressions import Match, linear

FIRST_FAMILY, CJK, LAST_FAMILY = "Noto Sans", "Noto Sans CJK ", "Noto Emoji"  # CJK lacks Ł; Emoji would take the digits
CJK_FACES = {"ja": "JP", "ko": "KR", "zh-hant": "TC", "zh-tw": "TC", "zh-hk": "HK", "zh-mo": "HK"}
NO_FAMILY = 1_000
HAN = linear("[\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
KANA, HANGUL = linear("[\u3041-\u30ff]"), linear("[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]")
HAN_LANGUAGES = {  # by Typst's names; the fonts draw one character in the shape that each of these uses
    "ja": ["ja", "JP"], "ko": ["ko", "KR"], "zh-hans": ["zh", "CN"], "zh-hant": ["zh", "TW"], "zh-tw": ["zh", "TW"],
    "zh-hk": ["zh", "HK"], "zh-mo": ["zh", "HK"], "zh": ["zh", "CN"],
}  # fmt: skip
MARKS_ON_A_LETTER = 4  # more would be drawn over the neighbors
LONG_NAME = 25  # may be wider than a column, with nowhere to break
LONG_WORD = linear(rf"[^\s\u2010-\u2015\u2e80-\ua4cf\uac00-\ud7af-]{{{LONG_NAME},}}")
ISOLATE, END_ISOLATE, MAY_BREAK = "\u2068", "\u2069", "\u200b"
JOINING = linear("[\u034f\u200c\u200d\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef]")  # never drawn alone
HIDDEN = frozenset("\u00ad\u061c\u200b\u200e\u200f\u2060")  # steer the line; a search in the PDF must not find them
EMBEDDINGS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # would turn the neighbors around
RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})

Text = str | list[str]  # as the template reads it: in a list, the odd places are code points to box or to hide


@cache
def families_in(folders: tuple[Path, ...]) -> dict[str, frozenset[tuple[str, int]]]:
    """Returns the font families in these folders, each with its files and the face within the file."""
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=list(folders)).fonts()
    return {
        family: frozenset((font.path, font.index) for font in fonts if font.path and font.family == family)
        for family in {font.family for font in fonts}
    }


@cache
def drawable(faces: frozenset[tuple[str, int]]) -> frozenset[int]:
    """Returns the code points that one of these faces can draw."""
    points: set[int] = set()
    for path, index in faces:
        with TTFont(path, fontNumber=index, lazy=True) as font:
            points.update(font.getBestCmap() or ())
    return frozenset(points)


def han_language_of(language: str) -> list[str]:
    """Returns the language whose shapes of Han characters a language uses, or an empty list."""
    tag = language.lower()
    return next((known for start, known in HAN_LANGUAGES.items() if tag == start or tag.startswith(f"{start}-")), [])


def by_preference(families: Iterable[str], language: str) -> list[str]:
    """Returns Noto Sans, then the one CJK face that suits the language, then the rest."""
    tag = language.lower()
    face = CJK + next((CJK_FACES[start] for start in CJK_FACES if tag.startswith(start)), "SC")
    ranks = {FIRST_FAMILY: 0, face: 1, LAST_FAMILY: 3}
    return sorted(
        (family for family in families if family == face or not family.startswith(CJK)),
        key=lambda family: (ranks.get(family, 2), family),
    )


class Glyphs:
    """Makes texts safe to typeset: a character that cannot be drawn becomes a code to be boxed."""

    def __init__(self, families: Sequence[str], faces: Mapping[str, frozenset[tuple[str, int]]], *, han: str) -> None:
        self.families, self.faces = families, faces
        self.han = han_language_of(han) or HAN_LANGUAGES["zh"]
        self.plain: set[str] = set()  # characters that need no care
        self.boxed: set[int] = set()
        self.used = {0}  # ranks of families; the first draws digits and the boxes
        self.rank = cache(self.first_family)

    def first_family(self, char: str) -> int:
        ranks = (rank for rank, family in enumerate(self.families) if ord(char) in drawable(self.faces[family]))
        first = next(ranks, NO_FAMILY)
        self.used.add(first)
        return first

    def families_used(self) -> list[str]:
        return [family for rank, family in enumerate(self.families) if rank in self.used]  # each one costs time

    def text(self, words: str) -> Text:
        """Returns the text, in pieces if a character of it needs care."""
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
        pieces = self._spell(words)
        if any(unicodedata.bidirectional(char) in RIGHT_TO_LEFT for char in unusual):
            pieces = ["", ISOLATE, *pieces, END_ISOLATE, ""]
        return pieces if len(pieces) > 1 else pieces[0]

    def _spell(self, words: str) -> list[str]:
        """Splits into what can be drawn and, at the odd places, codes to be boxed and characters to be hidden."""
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

    def texts(self, value: Any) -> Any:
        """Returns nested plain data with every text in it made safe."""
        match value:
            case str():
                return self.text(value)
            case list() | tuple():
                return [self.texts(item) for item in value]
            case dict():
                return {key: self.texts(item) for key, item in value.items()}
        return value

    def _pieces(self, words: str) -> list[str]:
        """Returns the pieces of a name or of a detail. Long words in it may break."""
        text = self.text(words if len(words) < LONG_NAME else LONG_WORD.sub(_breakable, words))
        return [text] if isinstance(text, str) else text

    def han_language(self, name: str, signed_in: str) -> list[str]:
        """Returns the language in whose shapes to draw the Han characters of a name, unless it is the document's."""
        if name.isascii() or not HAN.search(name):
            return []
        by_script = "ja" if KANA.search(name) else "ko" if HANGUL.search(name) else ""
        language = han_language_of(by_script or signed_in)
        return [] if language == self.han else language

    def entry(self, name: str, *details: str, mark: str = "") -> list[Text]:
        """Returns the name with its mark, and the detail: role, organization and country, those that are given."""
        if not mark and not any(details) and len(name) < LONG_NAME and self.plain.issuperset(name):
            return [name, ""]  # nearly always
        detail: list[str] = []
        for words in filter(None, details):
            first, *others = self._pieces(words)
            detail = [*detail[:-1], f"{detail[-1]}, {first}", *others] if detail else [first, *others]
        *start, end = self._pieces(name)
        return [pieces if len(pieces) > 1 else "".join(pieces) for pieces in ([*start, end + mark], detail)]


def _breakable(word: Match[str]) -> str:
    """Returns the word with a place to break after every eight letters."""
    pieces = [""]
    for char in word[0]:
        if len(pieces[-1]) >= 8 and unicodedata.category(char)[0] not in "MC":
            pieces.append("")
        pieces[-1] += char
    return MAY_BREAK.join(pieces)
