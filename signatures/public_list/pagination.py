"""Where a page of the public list begins and ends, in either order, forth and back. Never by time of signing (P3)."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q

from signatures.models import Signature, SignatureQuerySet

PAGE_SIZE = 50
MAX_KEY_LENGTH = 100  # characters of a key
Fetch = Callable[[SignatureQuerySet, int], list[Signature]]


class InvalidCursor(ValueError):
    """The mark was made up."""


@dataclass(frozen=True, slots=True)
class Order:
    """By this field, then by the random public id. Each has an index, of all and of one country."""

    field: str
    read: Callable[[str], Any]
    is_falling: bool = False

    def sign(self, *, back: bool) -> str:
        return "-" if self.is_falling != back else ""


NEWEST, BY_NAME = Order("approved_on", date.fromisoformat, is_falling=True), Order("sort_key", str)
ORDERS = {"": NEWEST, "name": BY_NAME}


@dataclass(frozen=True, slots=True)
class Page:
    """Some names, and the marks from which the pages around them are asked for; "" where there is none."""

    rows: list[Signature]
    is_first: bool
    before: str = ""
    after: str = ""


def fetch_first(part: SignatureQuerySet, number: int) -> list[Signature]:
    """The plain way to take: as they come."""
    return list(part[:number])


def paginate(
    chosen: SignatureQuerySet, order: Order, *, after: str = "", before: str = "", take: Fetch = fetch_first
) -> Page:
    """The names behind a mark, or those before it; without one the first.

    Raises:
        NoSuchPlace: when the mark is none.
    """
    back = bool(before)
    rows: list[Signature] = []
    for part in _parts(chosen, order, before or after, back=back):
        rows += take(part, PAGE_SIZE + 1 - len(rows))
        if len(rows) > PAGE_SIZE:
            break
    if back and len(rows) <= PAGE_SIZE:
        return paginate(chosen, order, take=take)  # so near the beginning that it is the first page
    is_more, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE]
    if back:
        rows.reverse()
    return Page(
        rows=rows,
        is_first=not before and not after,
        before=_cursor(rows[0], order) if rows and (before or after) else "",
        after=_cursor(rows[-1], order) if rows and (is_more or back) else "",
    )


def _parts(chosen: SignatureQuerySet, order: Order, mark: str, *, back: bool) -> list[SignatureQuerySet]:
    """What lies behind the mark, in pieces at each of which an index can begin: the same key, then the keys beyond."""
    sign = order.sign(back=back)
    chosen = chosen.order_by(f"{sign}{order.field}", "-public_id" if back else "public_id")
    if not mark:
        return [chosen]
    key, public_id = _parse_cursor(mark, order)
    beside, beyond = ("lt" if back else "gt"), ("lt" if sign else "gt")
    return [
        chosen.filter(Q((order.field, key)), Q((f"public_id__{beside}", public_id))),
        chosen.filter(Q((f"{order.field}__{beyond}", key))),
    ]


def _cursor(row: Signature, order: Order) -> str:
    return f"{getattr(row, order.field)}.{row.public_id.hex}"


def _parse_cursor(mark: str, order: Order) -> tuple[Any, uuid.UUID]:
    key, _dot, public_id = mark.replace("\0", "").rpartition(".")
    try:
        return order.read(key[:MAX_KEY_LENGTH]), uuid.UUID(hex=public_id)
    except ValueError:
        raise InvalidCursor from None
