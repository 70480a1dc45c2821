"""Writes CSV, and guards cells against spreadsheets that would run them as formulas (threat model E1)."""

import csv
from collections.abc import Iterable, Sequence
from itertools import product
from typing import TextIO

GUARD = "'"
FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n")  # with full-width forms
SKIPPED_BLANKS = " \u00a0\u3000"  # spreadsheets skip these before a formula


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
