"""What two spellings of one name have in common: no case, no accents, no width."""

import re
import unicodedata

# Letters that no decomposition takes apart, as people type them who lack the key.
_LETTERS = {
    "ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ŧ": "t", "\u0131": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th",
}  # fmt: skip
_KEYBOARDS = {"ی": "ي", "ک": "ك"}  # one letter, on Persian and on Arabic keyboards
_APOSTROPHES, _HYPHENS = "`\u00b4\u02b9\u02bb\u02bc\u02be\u02bf\u2018\u2019", "\u2010\u2011\u2012\u2013\u2014\u2212"
# Left out by most who write: vowel signs of Arabic and Hebrew, the stretch of Arabic, what gives a letter its shape.
_UNWRITTEN = (
    *range(0x0591, 0x05BE), *range(0x05BF, 0x05C0), *range(0x05C1, 0x05C8), *range(0x0610, 0x061B), 0x0640,
    *range(0x064B, 0x0660), 0x0670, *range(0x06D6, 0x06DD), 0x200C, 0x200D, *range(0xFE00, 0xFE10),
    *range(0xE0100, 0xE01F0),
)  # fmt: skip
# In no name (`names`), but pasted along with one from a page or a chat: nobody sees them.
_UNSEEN = (0xAD, 0x061C, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF)
_SIGNS = dict.fromkeys(_APOSTROPHES, "'") | dict.fromkeys(_HYPHENS, "-")
_ALIKE = str.maketrans({**_LETTERS, **_KEYBOARDS, **_SIGNS}) | dict.fromkeys(_UNWRITTEN + _UNSEEN)


def strip_accents(text: str) -> str:
    """Without accents, and without what sets one form of a letter apart from another; case stays."""
    apart = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", "".join(c for c in apart if not "\u0300" <= c <= "\u036f"))


def normalize_for_search(text: str) -> str:
    """As a reader's search compares it. Never empty for what is not: a name of signs alone stays as it is."""
    if text.isascii():
        return text.lower().replace("`", "'")
    apart = unicodedata.normalize("NFKD", strip_accents(text).casefold())
    return unicodedata.normalize("NFC", apart.translate(_ALIKE)) or text


def name_key(name: str) -> str:
    """What names that resemble each other have in common: their words, without case, accents and order."""
    return " ".join(sorted(compared_words(strip_accents(name))))[:200]


def compared_words(line: str) -> list[str]:
    """Its words as they are compared: no case, no width, no punctuation."""
    parts = re.split(r"[\s()/,]+", unicodedata.normalize("NFKC", line).casefold())
    words = ("".join(c for c in part if unicodedata.category(c)[0] in "LMN") for part in parts)
    return [word for word in words if word]


def search_text(name: str, organization: str) -> str:
    """What a search looks at. No word that is typed goes across the end of a line."""
    return "\n".join(normalize_for_search(line) for line in (name, organization) if line)
