"""Normalization of text for comparing and searching: without case, accents and width."""

import unicodedata

from campaign.runtime.regular_expressions import linear

# Letters that have no decomposition, as people type them who lack the key.
_LETTERS = {
    "ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ŧ": "t", "\u0131": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th",
}  # fmt: skip
_KEYBOARDS = {"ی": "ي", "ک": "ك"}  # one letter, on Persian and on Arabic keyboards
_APOSTROPHES, _HYPHENS = "`\u00b4\u02b9\u02bb\u02bc\u02be\u02bf\u2018\u2019", "\u2010\u2011\u2012\u2013\u2014\u2212"
# Most people do not type these: vowel signs of Arabic and Hebrew, Arabic elongation, joiners, variation selectors.
_NOT_TYPED = (
    *range(0x0591, 0x05BE), *range(0x05BF, 0x05C0), *range(0x05C1, 0x05C8), *range(0x0610, 0x061B), 0x0640,
    *range(0x064B, 0x0660), 0x0670, *range(0x06D6, 0x06DD), 0x200C, 0x200D, *range(0xFE00, 0xFE10),
    *range(0xE0100, 0xE01F0),
)  # fmt: skip
# Invisible. No stored name holds them (`names`), but a search term pasted from a page may.
_INVISIBLE = (0xAD, 0x061C, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF)
_BETWEEN_WORDS = linear(r"[\s()/,]+")
_SIGNS = dict.fromkeys(_APOSTROPHES, "'") | dict.fromkeys(_HYPHENS, "-")
_SAME_IN_SEARCH = str.maketrans({**_LETTERS, **_KEYBOARDS, **_SIGNS}) | dict.fromkeys(_NOT_TYPED + _INVISIBLE)


def strip_accents(text: str) -> str:
    """Returns the text without accents, width and other variants of a letter; case stays."""
    decomposed = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if not "\u0300" <= c <= "\u036f"))


def normalize_for_search(text: str) -> str:
    """Returns the text as searches compare it. Signs alone stay as they are, so that no text becomes empty."""
    if text.isascii():
        return text.lower().replace("`", "'")
    decomposed = unicodedata.normalize("NFKD", strip_accents(text).casefold())
    return unicodedata.normalize("NFC", decomposed.translate(_SAME_IN_SEARCH)) or text


def name_key(name: str) -> str:
    """Returns the key that similar names share: their words, sorted, without case and accents."""
    return " ".join(sorted(compared_words(strip_accents(name))))[:200]


def compared_words(line: str) -> list[str]:
    """Returns the words of a line without case, width and punctuation."""
    parts = _BETWEEN_WORDS.split(unicodedata.normalize("NFKC", line).casefold())
    words = ("".join(c for c in part if unicodedata.category(c)[0] in "LMN") for part in parts)
    return [word for word in words if word]


def search_text(name: str, organization: str) -> str:
    """Returns the text that is searched. The line break keeps a word from matching across name and organization."""
    return "\n".join(normalize_for_search(line) for line in (name, organization) if line)
