"""The scripts of a text."""

from functools import lru_cache

from fontTools.unicodedata import script

_OF_ALL = {"Zyyy", "Zinh", "Zzzz"}
script_of = lru_cache(maxsize=8192)(script)


def scripts_of(line: str) -> set[str]:
    """Returns the scripts of a line, by their ISO 15924 codes, without what all scripts have in common."""
    return {script_of(c) for c in line} - _OF_ALL
