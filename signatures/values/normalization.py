"""Normalization of text for comparing, sorting and searching: without case, accents and width."""

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import product

from campaign.runtime.regular_expressions import linear

# Letters that have no decomposition, as people type them who lack the key.
_LETTERS = {
    "ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ŧ": "t", "\u0131": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th",
}  # fmt: skip
# One letter, on Persian, Urdu and Arabic keyboards; and letters of Arabic that many people write one for the other.
_KEYBOARDS = {"ی": "ي", "ک": "ك", "\u06c1": "\u0647", "ة": "\u0647", "ى": "ي"}
_APOSTROPHES, _HYPHENS = (
    "`\u00b4\u02b9\u02bb\u02bc\u02be\u02bf\u2018\u2019",
    "\u2010\u2011\u2012\u2013\u2014\u2212\u05be",
)
_DOTS = "\u00b7\u2022\u2027\u22c5\u30fb"  # between the parts of a foreign name, where others write a space
# Most people do not type these: vowel signs of Arabic and Hebrew, Arabic elongation, joiners, variation selectors.
_NOT_TYPED = (
    *range(0x0591, 0x05BE), *range(0x05BF, 0x05C0), *range(0x05C1, 0x05C8), *range(0x0610, 0x061B), 0x0640,
    *range(0x064B, 0x0660), 0x0670, *range(0x06D6, 0x06DD), 0x200C, 0x200D, *range(0xFE00, 0xFE10),
    *range(0xE0100, 0xE01F0),
)  # fmt: skip
# Invisible. No stored name holds them (`names`), but a search term pasted from a page may.
_INVISIBLE = (0xAD, 0x061C, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF)
_BETWEEN_WORDS = linear(r"[\s()/,]+")
_SIGNS = dict.fromkeys(_APOSTROPHES, "'") | dict.fromkeys(_HYPHENS, "-") | dict.fromkeys(_DOTS, " ")
MAX_BYTES = 2_500  # of a text that is searched: an index entry of PostgreSQL holds 2,704
_MOST_JOINTS = 4  # places in a search at which two words may be one: each doubles the spellings
_SAME_IN_SEARCH = str.maketrans({**_LETTERS, **_KEYBOARDS, **_SIGNS}) | dict.fromkeys(_NOT_TYPED + _INVISIBLE)


def strip_accents(text: str) -> str:
    """Returns the text without accents, width and other variants of a letter; case stays."""
    decomposed = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if not "\u0300" <= c <= "\u036f"))


def normalize_for_search(text: str) -> str:
    """Returns a line as it is compared, sorted and searched: the one definition of which letters are alike.

    Signs alone stay as they are, so that no text becomes empty.
    """
    if text.isascii():
        return text.lower().replace("`", "'")
    decomposed = unicodedata.normalize("NFKD", strip_accents(text).casefold())
    return " ".join(unicodedata.normalize("NFC", decomposed.translate(_SAME_IN_SEARCH)).split()) or text


def written_together(line: str) -> str:
    """Returns a normalized line without spaces and hyphens between letters of scripts that have no capitals.

    There the parts of a name are written together or apart, as each person likes: 山田太郎 and 山田 太郎.
    """
    if line.isascii():
        return line
    neighbors = zip(f" {line}", line, f"{line[1:]} ", strict=False)
    return "".join(c for before, c, after in neighbors if c not in " -" or not (_is_plain(before) and _is_plain(after)))


def _is_plain(c: str) -> bool:
    return unicodedata.category(c)[0] in "LM" and c.upper() == c.lower()


def search_words(typed: str) -> list[str]:
    """Returns the words that a name must hold, in any order."""
    return list(dict.fromkeys(map(written_together, normalize_for_search(typed).split())))


def spellings(words: Sequence[str]) -> Iterator[list[str]]:
    """Yields the words as they are, then with neighbors written together where that is usual."""
    joints = [
        place for place in range(1, len(words)) if " " not in written_together(" ".join(words[place - 1 : place + 1]))
    ]
    for joined in product((False, True), repeat=min(len(joints), _MOST_JOINTS)):
        together = {place for place, is_joined in zip(joints, joined, strict=False) if is_joined}
        line = "".join(f"{'' if place in together else ' '}{word}" for place, word in enumerate(words))
        yield line.split()


def name_key(name: str) -> str:
    """Returns the key that similar names share: their words, sorted, without case and accents."""
    return " ".join(sorted(compared_words(name)))[:200]


def compared_words(line: str) -> list[str]:
    """Returns the words of a line as `normalize_for_search` has them, without punctuation."""
    parts = _BETWEEN_WORDS.split(normalize_for_search(line))
    words = ("".join(c for c in part if unicodedata.category(c)[0] in "LMN") for part in parts)
    return [word for word in words if word]


def search_text(name: str, organization: str) -> str:
    """Returns the text that is searched: name and organization, each as it is written and with its parts together.

    The line breaks keep a word from matching across them.
    """
    lines = (normalize_for_search(line) for line in (name, organization) if line)
    text = "\n".join(each for line in lines for each in dict.fromkeys((line, written_together(line))))
    return text if len(text) * 4 <= MAX_BYTES else text.encode()[:MAX_BYTES].decode(errors="ignore")
