"""Keyset pagination of the public list. A page never shows when somebody signed (threat model P3)."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from signatures.models import ListedRow, Signature, SignatureQuerySet

PAGE_SIZE = 50
MAX_KEY_LENGTH = 100  # characters of the sort key in a cursor

# Takes an ordered queryset and a limit; returns the first rows, at most as many as the limit.
Fetch = Callable[[SignatureQuerySet, int], list[ListedRow]]


class InvalidCursor(ValueError):
    """The cursor in the query string is malformed."""


@dataclass(frozen=True, slots=True)
class Order:
    """Sorts by one field, then by the random public id. An index serves each order, for all names and by country."""

    field: str
    parse: Callable[[str], Any]
    descending: bool = False


NEWEST, BY_NAME = Order("approved_on", date.fromisoformat, descending=True), Order("sort_key", str)
ORDERS = {"": NEWEST, "name": BY_NAME}


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and the cursors of the pages before and after them; "" if there is none."""

    rows: Sequence[ListedRow | Signature]
    is_first: bool
    before: str = ""
    after: str = ""


def fetch_rows(signatures: SignatureQuerySet, limit: int) -> list[ListedRow]:
    return signatures[:limit].listed_rows()


def paginate(
    signatures: SignatureQuerySet, order: Order, *, after: str = "", before: str = "", fetch: Fetch = fetch_rows
) -> Page:
    """Returns the page before or after a cursor; without one the first page.

    Raises:
        InvalidCursor: if the cursor is malformed.
    """
    if before:
        return _page_before(signatures, order, before, fetch)
    rows = _fetch_page(_ranges(signatures, order, after, backward=False), fetch)
    has_more, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE]
    return Page(
        rows=rows,
        is_first=not after,
        before=_cursor(rows[0], order) if rows and after else "",
        after=_cursor(rows[-1], order) if has_more else "",
    )


def _page_before(signatures: SignatureQuerySet, order: Order, cursor: str, fetch: Fetch) -> Page:
    rows = _fetch_page(_ranges(signatures, order, cursor, backward=True), fetch)
    if len(rows) <= PAGE_SIZE:
        return paginate(signatures, order, fetch=fetch)  # nothing precedes these rows: show the first page in full
    rows = rows[:PAGE_SIZE][::-1]
    return Page(rows=rows, is_first=False, before=_cursor(rows[0], order), after=_cursor(rows[-1], order))


def _fetch_page(ranges: Iterator[SignatureQuerySet], fetch: Fetch) -> list[ListedRow]:
    """Returns the rows of one page, and one row more if there are more."""
    rows: list[ListedRow] = []
    for signatures in ranges:
        rows += fetch(signatures, PAGE_SIZE + 1 - len(rows))
        if len(rows) > PAGE_SIZE:
            break
    return rows


def _ranges(signatures: SignatureQuerySet, order: Order, cursor: str, *, backward: bool) -> Iterator[SignatureQuerySet]:
    """Yields the rows beyond the cursor in two parts, each of which is one range of an index.

    First those with the same key and a further public id, then those with a further key.
    """
    descending = order.descending != backward
    signatures = signatures.order_by(
        f"-{order.field}" if descending else order.field, "-public_id" if backward else "public_id"
    )
    if not cursor:
        yield signatures
        return
    key, public_id = _parse_cursor(cursor, order)
    yield signatures.filter(**{order.field: key, "public_id__lt" if backward else "public_id__gt": public_id})
    yield signatures.filter(**{f"{order.field}__lt" if descending else f"{order.field}__gt": key})


def _cursor(row: ListedRow, order: Order) -> str:
    return cursor_at(getattr(row, order.field), row.public_id.hex)


def cursor_at(key: object, public_id: str) -> str:
    """Returns the cursor of the page that begins after the row with this key and these 32 digits of its id."""
    return f"{key}.{public_id}"


def _parse_cursor(cursor: str, order: Order) -> tuple[Any, uuid.UUID]:
    key, _dot, public_id = cursor.replace("\0", "").rpartition(".")
    try:
        return order.parse(key[:MAX_KEY_LENGTH]), uuid.UUID(hex=public_id)
    except ValueError:
        raise InvalidCursor from None
