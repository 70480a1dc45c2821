"""Finds the font of each character. A character that no font draws is shown as its code in a box, never dropped."""

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any

from campaign.runtime.regular_expressions import Match, linear
from signatures.delivery.pdf.fonts import Faces, drawable

NO_FAMILY = 1_000
HAN = linear("[\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
KANA, HANGUL = linear("[\u3041-\u30ff]"), linear("[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]")
HAN_LANGUAGES = {  # by Typst's names; the fonts draw one character in the shape that each of these uses
    "ja": ["ja", "JP"], "ko": ["ko", "KR"], "zh-hans": ["zh", "CN"], "zh-hant": ["zh", "TW"], "zh-tw": ["zh", "TW"],
    "zh-hk": ["zh", "HK"], "zh-mo": ["zh", "HK"], "zh": ["zh", "CN"],
}  # fmt: skip
HAN_COUNTRIES = {"JP": "ja", "KR": "ko", "TW": "zh-tw", "HK": "zh-hk", "MO": "zh-mo"}
MARKS_ON_A_LETTER, MARKS_IN_TIBETAN = 4, 8  # more would be drawn over the neighbors; Sanskrit in Tibetan is stacked
TIBETAN = linear("[\u0f00-\u0fff]")
# Scripts whose letters reach far above or below the line: there the line takes the height of what stands on it.
TALL = linear(
    "[\u0f00-\u0fff\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f\u1780-\u17ff\u1800-\u18af\ua980-\ua9df\u1b00-\u1b7f]"
)
LONG_NAME = 25  # may be wider than a column, with nowhere to break
LONG_WORD = linear(rf"[^\s\u2010-\u2015\u2e80-\ua4cf\uac00-\ud7af-]{{{LONG_NAME},}}")
ISOLATE, END_ISOLATE, MAY_BREAK = "\u2068", "\u2069", "\u200b"
JOINING = linear(
    "[\u034f\u180b-\u180f\u200c\u200d\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef]"
)  # never drawn alone
HIDDEN = frozenset("\u00ad\u061c\u200b\u200e\u200f\u2060")  # steer the line; a search in the PDF must not find them
EMBEDDINGS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # would turn the neighbors around
RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})

# As the template reads it. In a list, the odd places are codes to box, characters to hide, and pieces that are set in a
# way of their own: words, their family ("": as all others), and whether the line takes their height.
Piece = str | list[Any]
Text = str | list[Piece]


def han_language_of(language: str) -> list[str]:
    """Returns the language whose shapes of Han characters a language uses, or an empty list."""
    tag = language.lower()
    return next((known for start, known in HAN_LANGUAGES.items() if tag == start or tag.startswith(f"{start}-")), [])


class Glyphs:
    """Makes texts safe to typeset: a character that cannot be drawn becomes a code to be boxed."""

    def __init__(self, families: Sequence[str], faces: Faces, *, han: str) -> None:
        self.families, self.faces = families, faces
        self.han = han_language_of(han) or HAN_LANGUAGES["zh"]
        self.plain: set[str] = set()  # characters that need no care
        self.boxed: set[int] = set()
        self.used = {0}  # ranks of families; the first draws digits and the boxes
        self.rank = cache(self.first_family)

    def first_family(self, char: str) -> int:
        ranks = (rank for rank, family in enumerate(self.families) if ord(char) in drawable(self.faces[family]))
        # Some fonts have signs of their own in the private area. They say nothing to anybody else.
        first = NO_FAMILY if unicodedata.category(char) == "Co" else next(ranks, NO_FAMILY)
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
            and not TALL.match(char)
        }
        pieces = self._spell(words)
        if any(unicodedata.bidirectional(char) in RIGHT_TO_LEFT for char in unusual):
            pieces = ["", ISOLATE, *pieces, END_ISOLATE, ""]
        return pieces if len(pieces) > 1 else "".join(map(str, pieces))

    def _spell(self, words: str) -> list[Piece]:
        """Splits into what can be drawn and, at the odd places, what needs a way of its own: see `Text`."""
        pieces: list[Piece] = [""]
        base, marks = -1, 0
        for char in words:
            category = unicodedata.category(char)
            if char in HIDDEN:
                pieces += [char, ""]
                continue
            if JOINING.match(char) or category in {"Cc", "Zl", "Zp"}:
                self._append(pieces, char if JOINING.match(char) else " ")
                continue
            is_mark, rank = category[0] == "M", self.rank(char)
            marks, base = (marks + (category != "Mc"), base) if is_mark else (0, rank)
            is_pile = marks > (MARKS_IN_TIBETAN if TIBETAN.match(char) else MARKS_ON_A_LETTER)
            # A family that has the mark but comes before its letter's own would draw the mark and drop the letter.
            is_split = is_mark and rank < base < NO_FAMILY
            if is_split and not is_pile and ord(char) in drawable(self.faces[self.families[base]]):
                self._bind(pieces, self.families[base], char)
            elif rank == NO_FAMILY or char in EMBEDDINGS or is_pile or is_split:
                pieces += [f"U+{ord(char):04X}", ""]
                self.boxed.add(ord(char))
            else:
                self._append(pieces, char)
        return pieces

    def _append(self, pieces: list[Piece], char: str) -> None:
        """Adds a character to the last piece, or to a new one if it is of a tall script."""
        own = pieces[-2] if len(pieces) > 1 and not pieces[-1] and isinstance(pieces[-2], list) else None
        family = own[1] if own else ""
        if own and (JOINING.match(char) or (family and ord(char) in drawable(self.faces[family]))):
            own[0] += char
        elif not TALL.match(char):
            pieces[-1] = f"{pieces[-1]}{char}"
        elif own and own[2]:
            own[0] += char
        else:
            pieces += [[char, "", True], ""]

    def _bind(self, pieces: list[Piece], family: str, mark: str) -> None:
        """Binds the word before a mark to the one family that draws both."""
        if not pieces[-1] and isinstance(pieces[-2], list):
            pieces[-2][1:] = [family, pieces[-2][2]]
            pieces[-2][0] += mark
            return
        before = str(pieces[-1])
        word = before
        while not all(ord(char) in drawable(self.faces[family]) or JOINING.match(char) for char in word):
            word = word[1:]
        pieces[-1] = before.removesuffix(word)
        pieces += [[word + mark, family, False], ""]

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

    def _pieces(self, words: str) -> list[Piece]:
        """Returns the pieces of a name or of a detail. Long words in it may break."""
        text = self.text(words if len(words) < LONG_NAME else LONG_WORD.sub(_breakable, words))
        return [text] if isinstance(text, str) else text

    def han_language(self, name: str, signed_in: str, country: str = "") -> list[str]:
        """Returns the language in whose shapes to draw the Han characters of a name, unless it is the document's.

        The name's own script tells it, then the language of the page, then the signer's country.
        """
        if name.isascii() or not HAN.search(name):
            return []
        by_script = "ja" if KANA.search(name) else "ko" if HANGUL.search(name) else ""
        language = han_language_of(by_script or signed_in) or han_language_of(HAN_COUNTRIES.get(country, ""))
        return [] if language == self.han else language

    def entry(self, name: str, *details: str, mark: str = "") -> list[Text]:
        """Returns the name with its mark, and the detail: role, organization and country, those that are given."""
        if not mark and not any(details) and len(name) < LONG_NAME and self.plain.issuperset(name):
            return [name, ""]  # nearly always
        detail: list[Piece] = []
        for words in filter(None, details):
            first, *others = self._pieces(words)
            detail = [*detail[:-1], f"{detail[-1]}, {first}", *others] if detail else [first, *others]
        *start, end = self._pieces(name)
        return [
            pieces if len(pieces) > 1 else "".join(map(str, pieces)) for pieces in ([*start, f"{end}{mark}"], detail)
        ]


def _breakable(word: Match[str]) -> str:
    """Returns the word with a place to break after every eight letters."""
    pieces = [""]
    for char in word[0]:
        if len(pieces[-1]) >= 8 and unicodedata.category(char)[0] not in "MC":
            pieces.append("")
        pieces[-1] += char
    return MAY_BREAK.join(pieces)
