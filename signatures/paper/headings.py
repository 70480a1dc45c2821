"""How the columns of a list are headed, in the languages of the pages: `headings.toml`."""

import hashlib
import tomllib
from collections.abc import Iterable
from pathlib import Path

from signatures.values.normalization import compared_words


def _key(heading: str) -> str:
    return "".join(compared_words(heading.replace("_", " ")))


_FIELDS = {
    _key(heading): field
    for field, headings in tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8")).items()
    for heading in headings
}


def field_of(heading: str) -> str:
    """Returns the field that a heading is known for; "" for an unknown one."""
    return _FIELDS.get(_key(heading), "")


def number_known(cells: Iterable[str]) -> int:
    """Returns how many cells of a line are known headings."""
    return sum(bool(field_of(cell)) for cell in cells)


def digest(heading: str) -> str:
    """Returns what is kept of a heading. In a file without headings a person stands in their place."""
    return hashlib.sha256(_key(heading).encode()).hexdigest()[:16]
