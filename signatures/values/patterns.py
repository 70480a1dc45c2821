"""Patterns as people type them: `*` for any characters, `?` for one. Case, accents and width do not matter."""

import re
import unicodedata
from functools import cache

from signatures.values.normalization import strip_accents

LAST = 0x20000  # no script in use has case or accents behind it
_MARKS = "[\u0300-\u036f]*"  # what may follow a letter without making it another one


def regex(pattern: str) -> str:
    """The whole line that a pattern stands for, as a regular expression for PostgreSQL.

    Each letter becomes the class of all that look like it without case, accents and width. So it needs no extension of
    the database, and no collation. One letter that unfolds into two (ß) is only found as it is typed.
    """
    typed = _plain(pattern.strip())
    parts = [_part(part) for part in re.findall(r"\*+|\s+|.", typed)]
    start, end = ("" if typed.startswith("*") else "^"), ("" if typed.endswith("*") else "$")
    # Stars at the ends are dropped, because an expression that need not begin anywhere is looked for faster.
    return start + "".join(parts[not start : len(parts) - (not end)]) + end


def contains_regex(words: str) -> str:
    """The same for words that may stand anywhere in a line, unless they hold a star."""
    return regex(words if "*" in words else f"*{words.strip()}*")


def has_literal(pattern: str) -> bool:
    """Whether there is more in it than stars, question marks and spaces."""
    return bool(re.sub(r"[*?\s]", "", pattern))


def _part(typed: str) -> str:
    if typed.startswith("*"):
        return ".*"
    if typed.isspace():
        return r"\s+"
    if typed == "?":
        return f".{_MARKS}"
    return f"{_any_of(typed)}{_MARKS}"


def _any_of(letter: str) -> str:
    spellings = (letter, *_spellings().get(letter, ()))
    codes = "".join(f"\\U{ord(c):08x}" for c in spellings)  # as codes, nothing in it can be a sign of the language
    return f"[{codes}]"


@cache
def _spellings() -> dict[str, list[str]]:
    """For each plain letter all others that are like it."""
    found: dict[str, list[str]] = {}
    for c in map(chr, range(LAST)):
        plain = _plain(c)
        if plain != c and len(plain) == 1:
            found.setdefault(plain, []).append(c)
    return found


def _plain(text: str) -> str:
    """As `suspicion.name_key` compares names: no accents, no width, no case."""
    return unicodedata.normalize("NFKC", strip_accents(text)).casefold()
