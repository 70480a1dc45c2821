"""Reads and writes CSV, and guards cells against spreadsheets that would run them as formulas (threat model E1)."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from typing import TextIO

GUARD = "'"
FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")  # with full-width forms
SKIPPED_BLANKS = " \u00a0\u3000"  # spreadsheets skip these before a formula


class UnreadableLine(Exception):
    """A line of a file is not what it should be. The message is one sentence with the file, the line and what to do."""


def guard(cell: str) -> str:
    """Returns the cell, with an apostrophe before it if a spreadsheet would run it."""
    return f"{GUARD}{cell}" if cell.lstrip(SKIPPED_BLANKS).startswith(FORMULA_STARTS) else cell


def guard_sql(expression: str) -> str:
    """Returns the SQL expression that does in PostgreSQL what `guard` does here."""
    starts = ", ".join(map(_sql_text, FORMULA_STARTS))
    first = f"left(ltrim({expression}, {_sql_text(SKIPPED_BLANKS)}), 1)"
    return f"CASE WHEN {first} IN ({starts}) THEN {_sql_text(GUARD)} || {expression} ELSE {expression} END"


def _sql_text(characters: str) -> str:
    return "E'" + "".join(f"\\u{ord(character):04x}" for character in characters) + "'"


def unguarded(row: Sequence[str]) -> Iterable[tuple[str, ...]]:
    """Returns every row that this one may have been before the guard: an apostrophe may be the signer's own."""
    return product(*([cell.removeprefix(GUARD), cell] if cell.startswith(GUARD) else [cell] for cell in row))


def write_rows(out: TextIO, rows: Iterable[Sequence[object]]) -> None:
    """Writes rows as CSV (RFC 4180), each cell guarded. Open the file with `newline=""`."""
    csv.writer(out).writerows([guard(str(cell)) for cell in row] for row in rows)


def read_rows[Row](lines: Iterable[str], name: object, parse: Callable[..., Row], what: str) -> Iterator[Row]:
    """Yields what `parse` makes of the cells of each row.

    A row that is none may be of somebody who would come back to light: it is not left out.

    Args:
        lines: of a CSV file.
        name: of the file, for the message.
        parse: raises TypeError or ValueError for cells of which it can make nothing.
        what: each row is, in a word.

    Raises:
        UnreadableLine: for the first of which it can make nothing.
    """
    reader = csv.reader(lines)
    try:
        for row in reader:
            yield parse(*row)
    except (TypeError, ValueError, csv.Error):
        raise UnreadableLine(
            f"Line {max(reader.line_num, 1)} of {name} is no {what}: take it out, or put back a copy of the file."
        ) from None
