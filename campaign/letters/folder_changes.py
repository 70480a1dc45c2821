"""What loading a folder would change, as lines for the terminal: the old and the new value, of long ones a diff."""

from collections.abc import Mapping
from difflib import unified_diff
from typing import Any

import tomli_w

ON_ONE_LINE = 100  # characters of both values together


def changes(where: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Returns lines for each value that differs.

    Args:
        where: the file.
        before: what is on the site, by name; a file that is one value has none.
        after: what is in the folder, by the same names.
    """
    pairs = ((f"{where}: {name}" if name else where, before.get(name, ""), new) for name, new in after.items())
    return [line for pair in pairs for line in _change(*pair)]


def _change(where: str, before: Any, after: Any) -> list[str]:
    old, new = _as_text(before), _as_text(after)
    if old == new:
        return []
    if "\n" not in old + new and len(old + new) <= ON_ONE_LINE:
        return [f"{where}: {old or '(empty)'} → {new or '(empty)'}"]
    diff = unified_diff(old.splitlines(), new.splitlines(), "on the site", "in the folder", lineterm="")
    return [f"{where}:", *(f"    {line}" for line in diff)]


def _as_text(value: Any) -> str:
    """Returns the value as the folder has it: a table or a list of tables in the lines of its file."""
    if isinstance(value, list):
        return "".join(f"{_as_text(each)}\n" for each in value)
    if isinstance(value, dict):
        return tomli_w.dumps(dict(sorted(value.items())))  # the database keeps an order of its own
    return "" if value is None else str(value)
