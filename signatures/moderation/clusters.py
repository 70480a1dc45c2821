"""What signatures to review have in common with others: name, mailbox, network and words.

Each number is counted to `MOST` at most: a page of a flood of a million is as quick as any other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import IntegerField, OuterRef, Subquery, Value

from campaign.runtime.sql_files import load_sql
from signatures.models import Signature

MOST = 500  # of one name, mailbox, network or comment are counted

COUNT_ALIKE = load_sql(__file__, "count_alike.sql")


@dataclass(frozen=True, slots=True)
class Alike:
    """How many signatures wait with each network, and with each comment or a variant of it. `MOST` + 1 means more."""

    of_network: dict[str, int]
    of_comment: dict[str, int]


class CountSame(Subquery):
    """How many signatures have in a column what the row has, itself among them, whatever their state; 0 for nothing."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS same)"

    def __init__(self, column: str) -> None:
        same = Signature.objects.filter(**{column: OuterRef(column)}).exclude(**{column: ""}).order_by()
        super().__init__(same.values_list(Value(1))[: MOST + 1], output_field=IntegerField())


def count_alike(rows: Iterable[Any]) -> Alike:
    """Counts for the networks and comments of these signatures, a page at most, among all that wait."""
    rows = list(rows)
    networks, comments = ({getattr(row, column) for row in rows} - {""} for column in ("network", "comment"))
    if not networks and not comments:
        return Alike({}, {})
    values: dict[str, Any] = {"networks": sorted(networks), "comments": sorted(comments), "most": MOST + 1}
    with connection.cursor() as cursor:
        cursor.execute(COUNT_ALIKE, values)
        found: dict[str, dict[str, int]] = {"network": {}, "comment": {}}
        for what, value, number in cursor.fetchall():
            found[what][value] = number
    return Alike(found["network"], found["comment"])


def short(number: int) -> str:
    return f"{MOST}+" if number >= MOST else str(number)


def shown(number: int) -> str:
    return f"more than {MOST}" if number > MOST else str(number)


def shown_others(number: int) -> str:
    """Returns how many there are beside the one that was counted with them; "" for none."""
    return f"{MOST} or more" if number > MOST else str(number - 1) if number > 1 else ""
