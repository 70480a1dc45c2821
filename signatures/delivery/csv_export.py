"""The list as CSV: RFC 4180, UTF-8 with BOM, by PostgreSQL's COPY, in constant memory."""

from typing import IO, Any, cast

from django.db import connection
from django.db.models import Case, CharField, F, Func, QuerySet, Value, When, Window
from django.db.models.functions import Cast, Coalesce, RowNumber, TruncDate

from signatures.models import DeliveryEntry, SignatureQuerySet

BOM = b"\xef\xbb\xbf"
COLUMNS = ("number", "kind", "name", "role", "organization", "country", "signed_on", "language", "revision")
SOURCE = "source"  # `web` or `paper`; only in the list of a letter that has signatures on paper
LEAF_COLUMNS = ("number", "salt", "leaf")


class FormulaGuard(Func):
    """A cell that a spreadsheet would run gets an apostrophe before it (INTERFACES.md, SECURITY.md E1)."""

    template = (
        "CASE WHEN left(ltrim(%(expressions)s, E' \\u00a0\\u3000'), 1) "
        "IN ('=', '+', '-', '@', '＝', '＋', '－', '＠', E'\\t', E'\\r', E'\\n') "
        "THEN '''' || %(expressions)s ELSE %(expressions)s END"
    )
    output_field = CharField()


def write_signatures(chosen: SignatureQuerySet, out: IO[bytes], *, source: bool = False) -> int:
    """Write these signatures, numbered in their order; how many rows there were. One statement, so one snapshot.

    With `source`, a last column tells what came from paper.
    """
    further = (SOURCE,) if source else ()
    return _copy(_select(chosen, list(further)), (*COLUMNS, *further), out, begin=BOM)


def write_delivered(rows: QuerySet[DeliveryEntry], out: IO[bytes]) -> int:
    """Write the named rows of a delivery; how many there were. Who was erased since then is a number alone."""
    return _copy(_select_delivered(rows), COLUMNS, out, begin=BOM)


def write_leaves(rows: QuerySet[DeliveryEntry], out: IO[bytes]) -> int:
    """Write the leaves of a delivery in order of their place; a salt beside those that are named alone."""
    is_named = When(number__isnull=False, then=Func("salt", Value("hex"), function="encode"))
    leaves = rows.order_by("place").annotate(
        known_salt=Case(is_named, output_field=CharField()),
        digest=Func("leaf", Value("hex"), function="encode", output_field=CharField()),
    )
    return _copy(leaves.values_list("number", "known_salt", "digest"), LEAF_COLUMNS, out)


def _copy(select: Any, columns: tuple[str, ...], out: IO[bytes], *, begin: bytes = b"") -> int:
    statement, parameters = select.query.sql_with_params()
    lines = _Lines(out)
    with connection.cursor() as cursor:
        statement = cursor.mogrify(f"COPY ({statement}) TO STDOUT (FORMAT csv)", parameters)
        out.write(begin + ",".join(columns).encode() + b"\r\n")
        cursor.copy_expert(statement.decode(), lines)
        return int(cursor.rowcount)


def _select(chosen: SignatureQuerySet, further: list[str]) -> Any:
    order = cast("tuple[Any, ...]", chosen.query.order_by)  # as `in_order` says it
    return (
        chosen.annotate(
            number=Window(RowNumber(), order_by=list(order)),
            guarded_name=FormulaGuard("name"),
            guarded_role=FormulaGuard("role"),
            guarded_organization=FormulaGuard("organization"),
            signed_on=Cast(TruncDate("confirmed_at"), CharField()),
            revision=F("translation__revision__number"),
            source=Case(When(paper=True, then=Value("paper")), default=Value("web")),
        )
        .order_by("number")
        .values_list(
            "number",
            "kind",
            "guarded_name",
            "guarded_role",
            "guarded_organization",
            "country",
            "signed_on",
            "language",
            "revision",
            *further,
        )
    )


def _select_delivered(rows: QuerySet[DeliveryEntry]) -> Any:
    is_there = {"salt__isnull": False}
    return (
        rows.filter(number__isnull=False)
        .annotate(
            guarded_name=FormulaGuard("name"),
            guarded_role=FormulaGuard("role"),
            guarded_organization=FormulaGuard("organization"),
            day=Coalesce(Cast("signed_on", CharField()), Value("")),
            **{
                f"its_{field}": Case(
                    When(**is_there, then=Cast(field, CharField())), default=Value(""), output_field=CharField()
                )
                for field in ("kind", "language", "revision")
            },
        )
        .order_by("number")
        .values_list(
            "number",
            "its_kind",
            "guarded_name",
            "guarded_role",
            "guarded_organization",
            "country",
            "day",
            "its_language",
            "its_revision",
        )
    )


class _Lines:
    """COPY ends a line with LF; RFC 4180 wants CRLF. No cell holds a line break: `names` folds them."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def write(self, chunk: bytes) -> int:
        self._out.write(chunk.replace(b"\n", b"\r\n"))
        return len(chunk)
