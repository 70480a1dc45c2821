"""The files that staff download for an import from paper: an empty list, and the lines that were refused."""

import io

import xlsxwriter

from signatures.paper.columns import headings_of
from signatures.paper.judging import COLUMNS, Fate
from signatures.paper.previews import Preview
from signatures.paper.reading import MAX_ROWS, Table
from signatures.states import Kind, Visibility
from signatures.values import csv_cells

_WIDTHS = {"name": 30, "role": 25, "organization": 30}
_CHOICES = {"kind": [*Kind.values], "visibility": [str(Visibility.PUBLIC), str(Visibility.DELIVERY)]}


def template() -> bytes:
    """Returns an empty list as .xlsx. All cells are text, so that no program turns a name into a number or a day."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("signatures")
        text = book.add_format({"num_format": "@"})
        sheet.write_row(0, 0, COLUMNS, book.add_format({"bold": True, "bottom": 1}))
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(COLUMNS):
            sheet.set_column(place, place, _WIDTHS.get(column, 14), text)
            if column in _CHOICES:
                sheet.data_validation(1, place, MAX_ROWS, place, {"validate": "list", "source": _CHOICES[column]})
    return out.getvalue()


def refused_lines(preview: Preview, table: Table) -> bytes:
    """Returns the refused lines as they came, as CSV with the reason in a column, to be mended and sent again."""
    reasons = {line.number: line.explanation for line in preview.lines if line.fate == Fate.REFUSED}
    out = io.StringIO(newline="")
    heading = preview.columns.heading if preview.columns else 0
    rows = ([*cells, reasons[number]] for number, cells in table.rows if number in reasons)
    csv_cells.write_rows(out, [[*headings_of(table, heading), "reason"], *rows])
    return out.getvalue().encode("utf-8-sig")
