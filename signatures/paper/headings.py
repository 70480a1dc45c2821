"""How the columns of a list are headed, in the languages of the pages: `headings.toml`."""

import hashlib
import tomllib
from collections.abc import Iterable
from pathlib import Path

from campaign.runtime.regular_expressions import linear
from signatures.values.normalization import compared_words

_BETWEEN_PARTS = linear(r"[/|()\uff08\uff09\[\]]")


def _key(heading: str) -> str:
    return "".join(compared_words(heading.replace("_", " ")))


_TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_QUALIFIERS = frozenset(map(_key, _TABLE.pop("qualifiers")))
_FIELDS = {_key(heading): field for field, headings in _TABLE.items() for heading in headings}


def field_of(heading: str) -> str:
    """Returns the field that a heading is known for; "" for an unknown one.

    It may stand there in two languages (姓名 Name), or with a word in brackets that changes nothing (optional).
    """
    if field := _FIELDS.get(_key(heading)):
        return field
    for parts in (_BETWEEN_PARTS.split(heading), heading.split()):
        keys = [key for part in parts if (key := _key(part)) and key not in _QUALIFIERS]
        fields = {_FIELDS.get(key, "") for key in keys}
        if len(fields) == 1 and "" not in fields:
            return fields.pop()
    return ""


def number_known(cells: Iterable[str]) -> int:
    """Returns how many cells of a line are known headings."""
    return sum(bool(field_of(cell)) for cell in cells)


def digest(heading: str) -> str:
    """Returns what is kept of a heading. In a file without headings a person stands in their place."""
    return hashlib.sha256(_key(heading).encode()).hexdigest()[:16]
