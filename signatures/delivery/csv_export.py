"""The list as CSV: RFC 4180, UTF-8 with BOM, by PostgreSQL's COPY, in constant memory."""

from typing import IO, Any, cast

from django.db import connection
from django.db.models import Case, CharField, F, Func, QuerySet, Value, When, Window
from django.db.models.functions import Cast, Coalesce, RowNumber, TruncDate

from signatures.models import DeliveryEntry, SignatureQuerySet
from signatures.values import csv_cells

BOM = b"\xef\xbb\xbf"
COLUMNS = ("number", "kind", "name", "role", "organization", "country", "signed_on", "language", "revision")
SOURCE = "source"  # `web` or `paper`; only in the list of a letter that has signatures on paper
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


def write_signatures(signatures: SignatureQuerySet, out: IO[bytes], *, source: bool = False) -> int:
    """Writes these signatures, numbered in their order, from one snapshot. Returns the number of rows.

    With `source`, a last column says which signatures came from paper.
    """
    columns = (*COLUMNS, SOURCE) if source else COLUMNS
    order = cast("tuple[Any, ...]", signatures.query.order_by)  # set by `in_order`
    numbered = signatures.annotate(
        number=Window(RowNumber(), order_by=list(order)),
        signed_on=Cast(TruncDate("confirmed_at"), CharField()),
        revision=F("translation__revision__number"),
        source=SOURCE_OF,
        **GUARDED,
    )
    cells = (f"guarded_{column}" if f"guarded_{column}" in GUARDED else column for column in columns)
    return _copy(numbered.order_by("number").values_list(*cells), columns, out, bom=BOM)


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


def _copy(select: Any, columns: tuple[str, ...], out: IO[bytes], *, bom: bytes = b"") -> int:
    sql, parameters = select.query.sql_with_params()
    with connection.cursor() as cursor:
        statement = cursor.mogrify(f"COPY ({sql}) TO STDOUT (FORMAT csv)", parameters).decode()
        out.write(bom + ",".join(columns).encode() + LINE_END)
        cursor.copy_expert(statement, _CrlfWriter(out))
        return int(cursor.rowcount)


class _CrlfWriter:
    """Ends lines with CRLF (RFC 4180); COPY writes LF. No cell holds a line break: `values.names` replaces them."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def write(self, chunk: bytes) -> int:
        self._out.write(chunk.replace(b"\n", LINE_END))
        return len(chunk)
