"""Search patterns that staff type: `*` for any characters, `?` for one. Case, accents and width do not matter."""

import unicodedata
from functools import cache

from campaign.runtime.regular_expressions import linear
from signatures.values.normalization import strip_accents

LAST_CODE = 0x20000  # no script in use has case or accents beyond it
_PARTS, _NO_LITERAL = linear(r"\*+|\s+|."), linear(r"[*?\s]")
_ACCENTS = "[\u0300-\u036f\ufe00-\ufe0f\U000e0100-\U000e01ef]*"  # and variation selectors: may follow a letter


def regex(pattern: str) -> str:
    """Returns the regular expression for PostgreSQL that matches a whole line by this pattern.

    Each letter becomes the class of all letters that equal it without case, accents and width, so that no extension and
    no collation of the database is needed. A letter that becomes two without case (ß) is found only as it is typed.
    """
    typed = _plain(pattern.strip())
    parts = [_part(part) for part in _PARTS.findall(typed)]
    start, end = ("" if typed.startswith("*") else "^"), ("" if typed.endswith("*") else "$")
    # Stars at the ends are dropped: an expression without anchors is searched for faster.
    return start + "".join(parts[not start : len(parts) - (not end)]) + end


def contains_regex(words: str) -> str:
    """Returns the same for words anywhere in a line, unless they hold a star."""
    return regex(words if "*" in words else f"*{words.strip()}*")


def has_literal(pattern: str) -> bool:
    """Returns whether the pattern holds more than stars, question marks and spaces."""
    return bool(_NO_LITERAL.sub("", pattern))


def _part(typed: str) -> str:
    if typed.startswith("*"):
        return ".*"
    if typed.isspace():
        return r"\s+"
    if typed == "?":
        return f".{_ACCENTS}"
    spellings = (typed, *_spellings().get(typed, ()))
    codes = "".join(f"\\U{ord(c):08x}" for c in spellings)  # as codes, none of them is special in the expression
    return f"[{codes}]{_ACCENTS}"


@cache
def _spellings() -> dict[str, list[str]]:
    """Returns all variants of each plain letter."""
    found: dict[str, list[str]] = {}
    for c in map(chr, range(LAST_CODE)):
        plain = _plain(c)
        if plain != c and len(plain) == 1:
            found.setdefault(plain, []).append(c)
    return found


def _plain(text: str) -> str:
    """Returns the text without accents, width and case, as `normalization.name_key` compares names."""
    return unicodedata.normalize("NFKC", strip_accents(text)).casefold()
