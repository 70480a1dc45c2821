"""Reads one sheet of a workbook (.xlsx, .xls, .ods) from standard input, and writes it as JSON. Run as a program.

It has a process of its own, with limits of the operating system: a workbook of a few kilobytes may unpack to gigabytes,
or have a cell in the last of a million rows, and the library would end the whole process for it (threat model A27).
It imports nothing of the site.
"""

import io
import json
import resource
import sys
from datetime import date, datetime
from typing import Any

MAX_MEMORY, MAX_SECONDS = 1 << 30, 20
MAX_CELLS, MAX_CHARACTERS = 4_000_000, 40_000_000  # of one sheet, with empty cells
LONGEST_CELL = 2_001  # one more than the longest that the checks of a name look at


class TooLarge(Exception):
    """The sheet has more cells, or more text, than any list of names."""


def read(content: bytes, wanted: str) -> dict[str, Any]:
    """Returns the visible sheets that hold something, and of one of them the rows as text, each with its number.

    Args:
        content: the file.
        wanted: the name of the sheet; the first one when there is none of this name.
    """
    from python_calamine import SheetVisibleEnum, load_workbook  # noqa: PLC0415  under the limits

    book = load_workbook(io.BytesIO(content))
    names = [sheet.name for sheet in book.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible]
    sheets = {name: sheet for name in names if (sheet := book.get_sheet_by_name(name)).start is not None}
    if not sheets:
        return {"sheets": [], "sheet": "", "rows": []}
    chosen = wanted if wanted in sheets else next(iter(sheets))
    sheet = sheets[chosen]
    if sheet.total_height * sheet.total_width > MAX_CELLS:
        raise TooLarge
    rows = [
        (number, cells)
        for number, row in enumerate(sheet.iter_rows(), start=1)
        if any(cells := [text_of(cell)[:LONGEST_CELL] for cell in row])
    ]
    if sum(len(cell) for _number, cells in rows for cell in cells) > MAX_CHARACTERS:
        raise TooLarge
    return {"sheets": list(sheets), "sheet": chosen, "rows": rows}


def text_of(cell: object) -> str:
    """Returns a cell as it is typed: whole numbers without a point, days as 2026-05-31."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        cell = cell.date()
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    json.dump(read(sys.stdin.buffer.read(), sys.argv[1]), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
