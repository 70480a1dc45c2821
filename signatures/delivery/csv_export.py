"""The list as CSV: RFC 4180, UTF-8 with BOM, by PostgreSQL's COPY, in constant memory."""

from typing import IO, Any, cast

from django.db import connection
from django.db.models import Case, CharField, F, Func, QuerySet, Value, When, Window
from django.db.models.functions import Cast, Coalesce, RowNumber

from campaign.models import Letter
from signatures.delivery.selection import EVERYBODY, Selection, day_of_signing
from signatures.models import DeliveryEntry
from signatures.values import csv_cells

BOM = b"\xef\xbb\xbf"
COLUMNS = ("number", "kind", "name", "role", "organization", "country", "signed_on", "language", "revision")
LIST_COLUMNS = (*COLUMNS, "source")  # of the list as it is now; a package has `COLUMNS`, which its leaves cover
LEAF_COLUMNS = ("number", "salt", "leaf")
LINE_END = b"\r\n"


class FormulaGuard(Func):
    """Puts an apostrophe before a cell that a spreadsheet would run (threat model E1)."""

    template = csv_cells.guard_sql("%(expressions)s")
    output_field = CharField()


GUARDED = {f"guarded_{field}": FormulaGuard(field) for field in ("name", "role", "organization")}

SOURCE_OF = Case(
    When(paper=True, then=Value("paper")), When(on_evidence=True, then=Value("evidence")), default=Value("web")
)


def listed(letter: Letter, selection: Selection, *, guarded: bool) -> QuerySet[Any, tuple[Any, ...]]:
    """Returns the cells of `LIST_COLUMNS` of each selected signature, numbered in their order."""
    signatures = selection.of(letter)
    order = cast("tuple[Any, ...]", signatures.query.order_by)  # set by `in_order`
    numbered = signatures.annotate(
        number=Window(RowNumber(), order_by=list(order)),
        signed_on=Cast(day_of_signing(letter), CharField()),
        revision=F("translation__revision__number"),
        source=SOURCE_OF,
        **GUARDED,
    )
    cells = (f"guarded_{column}" if guarded and f"guarded_{column}" in GUARDED else column for column in LIST_COLUMNS)
    return numbered.order_by("number").values_list(*cells)


def write_list(letter: Letter, out: IO[bytes], selection: Selection = EVERYBODY, *, delimiter: str = ",") -> int:
    """Writes the deliverable list as it is now, from one snapshot. Returns the number of rows.

    Args:
        letter: whose list.
        out: the file.
        selection: who is in it.
        delimiter: a semicolon where spreadsheet programs expect one, because their decimals have commas.
    """
    return _copy(listed(letter, selection, guarded=True), LIST_COLUMNS, out, bom=BOM, delimiter=delimiter)


def write_delivered(entries: QuerySet[DeliveryEntry], out: IO[bytes]) -> int:
    """Writes the named entries of a delivery. Returns the number of rows. An erased entry is a number alone."""
    unless_erased = {
        f"its_{field}": Case(
            When(salt__isnull=False, then=Cast(field, CharField())), default=Value(""), output_field=CharField()
        )
        for field in ("kind", "language", "revision")
    }
    named = (
        entries.filter(number__isnull=False)
        .annotate(day=Coalesce(Cast("signed_on", CharField()), Value("")), **GUARDED, **unless_erased)
        .order_by("number")
    )
    cells = named.values_list("number", "its_kind", *GUARDED, "country", "day", "its_language", "its_revision")
    return _copy(cells, COLUMNS, out, bom=BOM)


def write_leaves(entries: QuerySet[DeliveryEntry], out: IO[bytes]) -> int:
    """Writes the leaves of a delivery in the order of the tree, with the salts of named entries alone."""
    is_named = When(number__isnull=False, then=Func("salt", Value("hex"), function="encode"))
    leaves = entries.order_by("place").annotate(
        known_salt=Case(is_named, output_field=CharField()),
        digest=Func("leaf", Value("hex"), function="encode", output_field=CharField()),
    )
    return _copy(leaves.values_list("number", "known_salt", "digest"), LEAF_COLUMNS, out)


def _copy(select: Any, columns: tuple[str, ...], out: IO[bytes], *, bom: bytes = b"", delimiter: str = ",") -> int:
    sql, parameters = select.query.sql_with_params()
    with connection.cursor() as cursor:
        statement = cursor.mogrify(f"COPY ({sql}) TO STDOUT (FORMAT csv, DELIMITER '{delimiter}')", parameters).decode()
        out.write(bom + delimiter.join(columns).encode() + LINE_END)
        cursor.copy_expert(statement, _CrlfWriter(out))
        return int(cursor.rowcount)


class _CrlfWriter:
    """Ends lines with CRLF (RFC 4180); COPY writes LF. No cell holds a line break: `values.names` replaces them."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def write(self, chunk: bytes) -> int:
        self._out.write(chunk.replace(b"\n", LINE_END))
        return len(chunk)
