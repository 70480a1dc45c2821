"""The list as CSV: RFC 4180, UTF-8 with BOM, by PostgreSQL's COPY, in constant memory."""

from collections.abc import Iterator
from typing import IO, Any, cast

from django.db import connection
from django.db.models import Case, CharField, F, Func, QuerySet, StringAgg, Value, When, Window
from django.db.models.functions import Cast, RowNumber

from campaign.models import Letter
from signatures.delivery.selection import EVERYBODY, Selection, day_of_signing, source_of
from signatures.models import DeliveryEntry
from signatures.values import csv_cells

BOM = b"\xef\xbb\xbf"
# Of the list as it is now, of a package, of its leaves and of receipts.
COLUMNS = ("number", "kind", "name", "role", "organization", "country", "signed_on", "language", "revision", "source")
LEAF_COLUMNS = ("number", "kind", "salt", "leaf")
NAMED, COUNTED = "named", "counted"  # kinds of leaves
LINE_END = b"\r\n"
CHUNK = 10_000  # leaves in memory at a time


class FormulaGuard(Func):
    """Puts an apostrophe before a cell that a spreadsheet would run (threat model E1)."""

    template = csv_cells.guard_sql("%(expressions)s")
    output_field = CharField()


GUARDED = {f"guarded_{field}": FormulaGuard(field) for field in ("name", "role", "organization")}


def listed(letter: Letter, selection: Selection, *, guarded: bool) -> QuerySet[Any, tuple[Any, ...]]:
    """Returns the cells of `COLUMNS` of each selected signature, numbered in their order."""
    signatures = selection.of(letter)
    order = cast("tuple[Any, ...]", signatures.query.order_by)  # set by `in_order`
    numbered = signatures.annotate(
        number=Window(RowNumber(), order_by=list(order)),
        signed_on=Cast(day_of_signing(letter), CharField()),
        revision=F("translation__revision__number"),
        source=source_of(),
        **GUARDED,
    )
    cells = (f"guarded_{column}" if guarded and f"guarded_{column}" in GUARDED else column for column in COLUMNS)
    return numbered.order_by("number").values_list(*cells)


def write_list(letter: Letter, out: IO[bytes], selection: Selection = EVERYBODY, *, delimiter: str = ",") -> int:
    """Writes the deliverable list as it is now, from one snapshot. Returns the number of rows.

    Args:
        letter: whose list.
        out: the file.
        selection: who is in it.
        delimiter: a semicolon where spreadsheet programs expect one, because their decimals have commas.
    """
    return _copy(listed(letter, selection, guarded=True), COLUMNS, out, bom=BOM, delimiter=delimiter)


def write_delivered(entries: QuerySet[DeliveryEntry], out: IO[bytes]) -> int:
    """Writes the named entries of a delivery. Returns the number of rows. An erased entry is a number alone."""
    unless_erased = {
        f"its_{field}": Case(
            When(salt__isnull=False, then=Cast(field, CharField())), default=Value(""), output_field=CharField()
        )
        for field in ("kind", "language", "revision", "source")
    }
    named = (
        entries.filter(number__isnull=False)
        .annotate(day=Cast("signed_on", CharField()), **GUARDED, **unless_erased)
        .order_by("number")
    )
    after_kind = (*GUARDED, "country", "day", "its_language", "its_revision", "its_source")
    return _copy(named.values_list("number", "its_kind", *after_kind), COLUMNS, out, bom=BOM)


def write_leaves(entries: QuerySet[DeliveryEntry], out: IO[bytes]) -> int:
    """Writes the leaves of a delivery in the order of the tree. Only an erased entry has no salt.

    The salts of those that are counted only are published, too: so anybody sees that such a leaf holds the word
    "counted", and not somebody who is delivered unseen.
    """
    leaves = entries.order_by("place").annotate(
        leaf_kind=Case(When(number__isnull=False, then=Value(NAMED)), default=Value(COUNTED)),
        known_salt=_hex("salt"),
        digest=_hex("leaf"),
    )
    return _copy(leaves.values_list("number", "leaf_kind", "known_salt", "digest"), LEAF_COLUMNS, out)


def leaf_hashes(entries: QuerySet[DeliveryEntry]) -> Iterator[bytes]:
    """Yields the leaves alone, in the order of the tree: they name nobody, and tell nothing of a row without its salt.

    From them anybody computes the root, and finds the leaf of the own receipt. The database writes the lines: strangers
    download them, and one at work in Python makes all others of the process wait.
    """
    yield b"leaf" + LINE_END
    lines, first = StringAgg(_hex("leaf"), Value(LINE_END.decode()), order_by="place"), 0
    while text := entries.filter(place__gte=first, place__lt=first + CHUNK).aggregate(lines=lines)["lines"]:
        yield text.encode() + LINE_END
        first += CHUNK


def _hex(field: str) -> Func:
    return Func(field, Value("hex"), function="encode", output_field=CharField())


def _copy(select: Any, columns: tuple[str, ...], out: IO[bytes], *, bom: bytes = b"", delimiter: str = ",") -> int:
    sql, parameters = select.query.sql_with_params()
    # COPY would write an empty text as "", in quotes; a cell without a value is nothing at all.
    cells = ", ".join(f"nullif({column}::text, '')" for column in columns)
    with connection.cursor() as cursor:
        select_cells = f"SELECT {cells} FROM ({sql}) AS cells ({', '.join(columns)})"  # noqa: S608  our own names
        statement = cursor.mogrify(
            f"COPY ({select_cells}) TO STDOUT (FORMAT csv, DELIMITER '{delimiter}')", parameters
        ).decode()
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
