"""From the bytes of a file to a table of text: workbooks and text files, as spreadsheet programs save them."""

import csv
import io
import json
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from signatures.paper import encodings, headings
from signatures.values.csv_cells import GUARD, guard

MAX_BYTES, MAX_ROWS, MAX_COLUMNS = 10_000_000, 20_000, 100
MAX_UNPACKED = 200_000_000  # bytes of a workbook; twenty thousand lines with forty columns are a third of that
SECONDS = 30.0  # for a workbook
# By their names for staff. The last one stands in no file: all of a line is one cell.
DELIMITERS = {"none": "\x1f", "comma": ",", "semicolon": ";", "tab": "\t", "vertical bar": "|"}
TITLE_LINES = 20  # at most so many stand before the headings
_SEPARATOR_LINE = "sep="  # Excel writes and reads it before the headings
_PROGRAM = Path(__file__).with_name("workbook.py")
_PDF_START, _HEAD = b"%PDF", 20_000
_CONTROLS, _FEW = [chr(code) for code in range(32) if chr(code) not in "\t\n\v\f\r"], 10  # many of them are no text
_NO_TABLE = "The file is no table of text. Please choose a .xlsx, .ods or .csv file."
_WORKBOOK_STARTS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # zip archives, and what Excel wrote before 2007


class CannotRead(Exception):
    """The file as a whole cannot be read. The message is one sentence for staff, and quotes nothing from the file."""


@dataclass(frozen=True, slots=True)
class Choices:
    """How staff want a file to be read. What is empty is detected."""

    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file that hold something, each with the number of its line, and how the file was read.

    Encoding and delimiter are empty for a workbook, sheets for a text file. `joined` are the numbers of rows of a text
    file with a cell that goes over several lines: a stray quotation mark may have put other rows into it.
    """

    rows: list[tuple[int, list[str]]]
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    sheets: list[str] = field(default_factory=list)
    joined: frozenset[int] = frozenset()


def read_table(content: bytes, choices: Choices) -> Table:
    """Returns the table of a file, without columns and lines that are empty.

    Raises:
        CannotRead: when it is too large, no table, or has a quotation mark that is never closed.
    """
    if len(content) > MAX_BYTES:
        raise CannotRead(f"The file is larger than {MAX_BYTES // 1_000_000} megabytes. Please split it.")
    is_workbook = content.startswith(_WORKBOOK_STARTS)
    table = _read_workbook(content, choices) if is_workbook else _read_text(content, choices)
    if not table.rows:
        raise CannotRead("The file is empty.")
    if len(table.rows) > MAX_ROWS + TITLE_LINES:
        raise CannotRead(f"The file has more than {MAX_ROWS:,} lines. Please split it.")
    width = max(len(cells) - next(i for i, cell in enumerate(reversed(cells)) if cell) for _number, cells in table.rows)
    if width > MAX_COLUMNS:
        raise CannotRead(f"The file has more than {MAX_COLUMNS} columns. Please take out those that are not needed.")
    for _number, cells in table.rows:
        cells[:] = (cells + [""] * (width - len(cells)))[:width]
    return table


def _read_workbook(content: bytes, choices: Choices) -> Table:
    if content.startswith(b"PK"):
        _check_unpacked(content)
    command = [sys.executable, "-I", str(_PROGRAM), choices.sheet]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=SECONDS, check=True)
    except (subprocess.SubprocessError, OSError):
        raise CannotRead(
            "The workbook cannot be read: it is damaged, locked by a password, or far larger than a list of names. "
            "Please save it anew as .xlsx or as CSV."
        ) from None
    found = json.loads(done.stdout)
    return Table([(number, cells) for number, cells in found.pop("rows")], **found)


def _check_unpacked(content: bytes) -> None:
    try:
        unpacked = sum(entry.file_size for entry in zipfile.ZipFile(io.BytesIO(content)).infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise CannotRead("The file is damaged. Please save it anew as .xlsx or as CSV.") from None
    if unpacked > MAX_UNPACKED:
        raise CannotRead("The workbook is far larger than a list of names. Please save the list alone.")


def _read_text(content: bytes, choices: Choices) -> Table:
    if content.startswith(_PDF_START):
        raise CannotRead(_NO_TABLE)
    encoding = choices.encoding if choices.encoding in encodings.LABELS else encodings.detect(content)
    head = content[:_HEAD].decode(encoding, "replace")
    if "\0" in head or sum(map(head.count, _CONTROLS)) > max(_FEW, len(head) // 20):
        raise CannotRead(_NO_TABLE)
    try:
        text = content.decode(encoding).removeprefix("\ufeff")
    except UnicodeError:
        raise CannotRead(f"The file is not in {encodings.LABELS[encoding]}. Please choose another encoding.") from None
    if "\0" in text:
        raise CannotRead(_NO_TABLE)
    head, _end, rest = text.partition("\n")
    has_separator_line = head.lower().startswith(_SEPARATOR_LINE)
    named = {head.strip("\r")[len(_SEPARATOR_LINE) :]} & set(DELIMITERS.values()) if has_separator_line else set()
    delimiter = DELIMITERS.get(choices.delimiter) or next(iter(named), "") or _delimiter_of(text)
    read = list(_rows(rest if has_separator_line else text, delimiter, first=2 if has_separator_line else 1))
    joined = frozenset(number for number, cells in read if any(map(_goes_on, cells)))
    rows = [(number, [_unguarded(cell.strip()) for cell in cells]) for number, cells in read]
    return Table(rows, encoding=encoding, delimiter=delimiter, joined=joined)


def _delimiter_of(text: str) -> str:
    """Returns the delimiter that gives the most known headings, and the most lines as many cells as headings."""
    lines = [line for line in text[:20_000].splitlines() if line.strip()][:50]

    def agreement(delimiter: str) -> tuple[int, int]:
        rows = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
        known = [headings.number_known(cells) for cells in rows]
        widths = Counter(map(len, rows))
        width = len(rows[known.index(max(known))]) if any(known) else max(widths, key=widths.__getitem__, default=0)
        return max(known, default=0), widths[width] if width > 1 else 0

    return max(DELIMITERS.values(), key=agreement)


def _rows(text: str, delimiter: str, *, first: int) -> Iterator[tuple[int, list[str]]]:
    """Yields the number of the line in which each row begins, and its cells, unless all are empty.

    `first` is the number of the first line.
    """
    file = io.StringIO(text, newline="")
    lines = csv.reader(file, delimiter=delimiter, strict=True, skipinitialspace=True)
    begins = first
    try:
        for cells in lines:
            if any(_unguarded(cell.strip()) for cell in cells):
                yield begins, cells
            begins = first + lines.line_num
    except csv.Error:
        raise CannotRead(
            f"A quotation mark in line {begins} is never closed, or is followed by more text. "
            "Please correct that line and choose the file again."
        ) from None


def _goes_on(cell: str) -> bool:
    """Returns whether a cell has something after its first line: that may have been a row of its own."""
    return not {"\n", "\r"}.isdisjoint(cell.rstrip())


def _unguarded(cell: str) -> str:
    """Returns the cell as it was before our own files guarded it, so that they can be mended and sent again."""
    plain = cell.removeprefix(GUARD)
    return plain if guard(plain) == cell else cell
