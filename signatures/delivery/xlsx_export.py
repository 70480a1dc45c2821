"""The list as XLSX, in constant memory: each cell of a name is text, whatever a spreadsheet would make of it."""

from collections.abc import Iterable
from itertools import zip_longest
from typing import IO, Any

from django.db.models import CharField, Count, QuerySet
from django.db.models.functions import Cast
from django_countries import countries
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from campaign.models import Letter
from signatures.delivery import csv_export
from signatures.delivery.selection import Selection, day_of_signing
from signatures.models import Signature

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_ROWS = 1_048_576  # of a sheet, by its format
CHUNK = 5_000  # rows in memory at a time
# Of the columns, in characters.
LIST_WIDTHS, COUNT_WIDTHS = (8, 12, 36, 28, 36, 9, 12, 10, 9, 9), (9, 36, 12, 3, 12, 12)


class _TextSheet(Worksheet):  # type: ignore[misc]  # XlsxWriter comes without types
    """A sheet whose texts are no markup (threat model E16)."""

    def _xml_rich_inline_string(self, string: str, attributes: list[Any]) -> None:
        """Writes a text that looks like the markup of rich text. XlsxWriter would write it as it stands."""
        self._xml_inline_string(string, True, attributes)  # noqa: FBT003  of XlsxWriter: spaces are kept


def write_list(letter: Letter, out: IO[bytes], selection: Selection, *, rows_per_sheet: int = MAX_ROWS - 1) -> int:
    """Writes the selected signatures, on as many sheets as they need, and a sheet of counts. Returns their number.

    The caller runs it in one snapshot, so that the counts are those of the rows.
    """
    written = 0
    with Workbook(out, {"constant_memory": True}) as workbook:
        # Text also for whoever edits a cell: a spreadsheet program would read it anew.
        text, head = (workbook.add_format({"num_format": "@", "bold": bold}) for bold in (False, True))
        sheet = _new_sheet(workbook, "Signatures", LIST_WIDTHS, csv_export.COLUMNS, head)
        for row in csv_export.listed(letter, selection, guarded=False).iterator(chunk_size=CHUNK):
            number, place = divmod(written, rows_per_sheet)
            if number and not place:
                name = f"Signatures {number + 1}"
                sheet = _new_sheet(workbook, name, LIST_WIDTHS, csv_export.COLUMNS, head)
            _write_row(sheet, place + 1, row, text)
            written += 1
        _write_counts(workbook, letter, selection.of(letter), text, head)
    return written


def _write_counts(
    workbook: Workbook, letter: Letter, signatures: QuerySet[Signature], text: Format, head: Format
) -> None:
    """Writes how many signatures there are of each country and, beside it, of each day."""
    country_names = dict(countries)
    each = signatures.order_by()
    of_country = each.values_list("country").annotate(number=Count("pk")).order_by("-number", "country")
    days = each.annotate(signed_on=Cast(day_of_signing(letter), CharField())).values_list("signed_on")
    of_day = days.annotate(number=Count("pk")).order_by("signed_on")
    columns = ("country", "name", "signatures", "", f"day ({letter.time_zone})", "signatures")
    sheet = _new_sheet(workbook, "Counts", COUNT_WIDTHS, columns, head)
    for place, ((country, number), (day, number_of_day)) in enumerate(
        zip_longest(of_country, of_day, fillvalue=("", None)), start=1
    ):
        _write_row(sheet, place, (country, country_names.get(country, "")), text)
        sheet.write(place, 2, number)
        sheet.write_string(place, 4, day, text)
        sheet.write(place, 5, number_of_day)


def _new_sheet(
    workbook: Workbook, name: str, widths: Iterable[float], columns: Iterable[str], head: Format
) -> Worksheet:
    sheet = workbook.add_worksheet(name, _TextSheet)
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    sheet.freeze_panes(1, 0)
    _write_row(sheet, 0, columns, head)
    return sheet


def _write_row(sheet: Worksheet, place: int, cells: Iterable[object], style: Format) -> None:
    for column, cell in enumerate(cells):
        sheet.write_string(place, column, str(cell), style)
