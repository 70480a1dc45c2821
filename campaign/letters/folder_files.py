"""One file in the folder of a letter: reading it, and telling by line what is wrong in it."""

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from campaign.runtime.regular_expressions import linear

LETTER_FILE = "letter.toml"
FENCE = "+++"
_KEY = linear(r"(?<![\w-])([\w-]+)[\"']?[ \t]*[=\].]")
_REQUIRED = {LETTER_FILE: ("slug", "recipient"), ".md": ("title",), "board": ("name",), "signatories": ("name",)}


class NotALetter(Exception):
    """The folder cannot be loaded. Each line of the message names a file, its line and what is wrong there."""


class ByAnyKey(dict[str, Any]):
    """A table whose keys are languages, each with this shape."""

    def __init__(self, shape: Any) -> None:
        super().__init__()
        self.shape = shape


def read_file(path: Path, shape: Any, problems: list[str]) -> tuple[dict[str, Any], str] | None:
    """Returns the table and the body of a file; None after it has added what is wrong to `problems`."""
    try:
        source = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except FileNotFoundError:
        problems.append(f"{path.name}: the file is missing.")
        return None
    except (UnicodeDecodeError, IsADirectoryError):
        problems.append(f"{path.name}: this is no text in UTF-8.")
        return None
    if "\0" in source:
        problems.append(f"{path.name}: this is no text in UTF-8.")
        return None
    lines, first_line, body = source.split("\n"), 1, ""
    if path.suffix == ".md":
        fences = [number for number, line in enumerate(lines) if line.rstrip() == FENCE][:2]
        if len(fences) < 2 or any(line.strip() for line in lines[: fences[0]]):
            problems.append(f"{path.name}:1: a text begins with its data between two lines of {FENCE}.")
            return None
        body = "\n".join(lines[fences[1] + 1 :]).strip()
        lines, first_line = lines[fences[0] + 1 : fences[1]], fences[0] + 2
    try:
        data = tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError as error:
        sentence, _words, where = str(error).partition(" (at line ")
        line = int(where.partition(",")[0]) if where else len(lines)
        problems.append(f"{path.name}:{line + first_line - 1}: {sentence}.")
        return None
    found = [
        f"{path.name}:{line_of(keys, lines) + first_line - 1}: {sentence}"
        for keys, sentence in [*_faults(data, shape, ()), *_missing(data, path)]
    ]
    problems += found
    return None if found else (data, body)


_Keys = tuple[str | int, ...]
_NAMES: dict[Any, str] = {
    str: "words in quotes",
    int: "a number",
    bool: "true or false",
    datetime: "a date with a time",
}


def _faults(value: Any, shape: Any, keys: _Keys) -> Iterator[tuple[_Keys, str]]:
    """Yields the keys that lead to each fault, and a sentence about it."""
    name = str(next((key for key in reversed(keys) if isinstance(key, str)), ""))
    if isinstance(shape, dict):
        yield from _faults_of_table(value, shape, keys, name)
    elif not isinstance(shape, list):
        if not isinstance(value, shape) or (shape is int and isinstance(value, bool)):
            yield keys, f"“{name}” is {_NAMES[shape]}."
        elif isinstance(value, datetime) and value.tzinfo is None:
            yield keys, f"“{name}” needs its offset, such as {value.isoformat()}Z."
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _faults(inner, shape[0], (*keys, number))
    else:
        yield keys, f"“{name}” is a list in square brackets."


def _faults_of_table(value: Any, shape: dict[str, Any], keys: _Keys, name: str) -> Iterator[tuple[_Keys, str]]:
    if not isinstance(value, dict):
        yield keys, f"“{name}” is a table."
        return
    for key, inner in value.items():
        if isinstance(shape, ByAnyKey):
            yield from _faults(inner, shape.shape, (*keys, key))
        elif key in shape:
            yield from _faults(inner, shape[key], (*keys, key))
        else:
            near = difflib.get_close_matches(key, shape, 1)
            yield (*keys, key), f"“{key}” is not known here." + (f" Did you mean “{near[0]}”?" if near else "")
    yield from ((keys, f"“{key}” is missing.") for key in _REQUIRED.get(name, ()) if key not in value)


def _missing(data: Mapping[str, Any], path: Path) -> Iterator[tuple[_Keys, str]]:
    required = _REQUIRED[path.suffix if path.suffix == ".md" else path.name]
    yield from (((), f"“{key}” is missing.") for key in required if key not in data)


def line_of(keys: _Keys, lines: list[str]) -> int:
    """Returns the number of the line where the keys lead. `tomllib` does not tell it."""
    line = 0
    for position, key in enumerate(keys):
        if isinstance(key, int):
            continue
        # The n-th table of a list stands under the n-th header of its name.
        skipped = keys[position + 1] if position + 1 < len(keys) else 0
        hits = [number for number in range(line, len(lines)) if key in _KEY.findall(lines[number])]
        if hits:
            headers = [number for number in hits if lines[number].strip().startswith("[[")]
            line = headers[skipped] if isinstance(skipped, int) and skipped < len(headers) else hits[0]
    return line + 1
