"""Which font draws which character; what none draws is boxed, never dropped."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import typst
from fontTools.ttLib import TTFont

FIRST_FAMILY, CJK, LAST_FAMILY = "Noto Sans", "Noto Sans CJK ", "Noto Emoji"  # CJK lacks Ł; Emoji would take the digits
CJK_FACES = {"ja": "JP", "ko": "KR", "zh-hant": "TC", "zh-tw": "TC", "zh-hk": "HK", "zh-mo": "HK"}
NO_FAMILY = 1_000
HAN = re.compile("[\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
KANA, HANGUL = re.compile("[\u3041-\u30ff]"), re.compile("[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]")
HAN_LANGUAGES = {  # as typst says them: the fonts draw one character in the shape of each of these
    "ja": ["ja", "JP"], "ko": ["ko", "KR"], "zh-hans": ["zh", "CN"], "zh-hant": ["zh", "TW"], "zh-tw": ["zh", "TW"],
    "zh-hk": ["zh", "HK"], "zh-mo": ["zh", "HK"], "zh": ["zh", "CN"],
}  # fmt: skip
MARKS_ON_A_LETTER = 4  # more would be drawn over the neighbors
LONG = 25  # may be wider than a column, with nowhere to break
LONG_WORD = re.compile(rf"[^\s\u2010-\u2015\u2e80-\ua4cf\uac00-\ud7af-]{{{LONG},}}")
ISOLATE, END_ISOLATE, MAY_BREAK = "\u2068", "\u2069", "\u200b"
JOINING = re.compile("[\u034f\u200c\u200d\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef]")  # never drawn alone
HIDDEN = frozenset("\u00ad\u061c\u200b\u200e\u200f\u2060")  # act on the line, or beside it; a reader must not find them
EMBEDDINGS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # would turn the neighbors around
RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})

Text = str | list[str]  # as the template reads it: in a list, the odd places are code points to box or to hide


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


def han_of(language: str) -> list[str]:
    """The language whose shapes of Han characters suit this one, if any."""
    tag = language.lower()
    return next((said for start, said in HAN_LANGUAGES.items() if tag == start or tag.startswith(f"{start}-")), [])


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

    def __init__(self, families: Sequence[str], faces: Mapping[str, frozenset[tuple[str, int]]], *, han: str) -> None:
        self.families, self.faces = families, faces
        self.han = han_of(han) or HAN_LANGUAGES["zh"]
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
        text = self.text(words if len(words) < LONG else LONG_WORD.sub(breakable, words))
        return [text] if isinstance(text, str) else text

    def han_language(self, name: str, signed_in: str) -> list[str]:
        """In whose shapes the Han characters of a name stand, where these are not the document's own."""
        if name.isascii() or not HAN.search(name):
            return []
        said = HAN_LANGUAGES["ja"] if KANA.search(name) else HAN_LANGUAGES["ko"] if HANGUL.search(name) else []
        said = said or han_of(signed_in)
        return [] if said == self.han else said

    def entry(self, name: str, *more: str, mark: str = "") -> list[Text]:
        """A name, with its mark, and what is said of it: role, organization, country, where they are given."""
        if not mark and not any(more) and len(name) < LONG and self.plain.issuperset(name):
            return [name, ""]  # nearly always
        said: list[str] = []
        for words in filter(None, more):
            first, *others = self.part(words)
            said = [*said[:-1], f"{said[-1]}, {first}", *others] if said else [first, *others]
        *start, end = self.part(name)
        return [pieces if len(pieces) > 1 else "".join(pieces) for pieces in ([*start, end + mark], said)]


def breakable(word: re.Match[str]) -> str:
    pieces = [""]
    for char in word[0]:
        if len(pieces[-1]) >= 8 and unicodedata.category(char)[0] not in "MC":
            pieces.append("")
        pieces[-1] += char
    return MAY_BREAK.join(pieces)
