"""What waiting signatures have in common: how many came from one network, and how many have the same words."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection

from campaign.runtime.sql_files import load_sql

MOST = 500  # of one network or comment are counted

COUNT_ALIKE = load_sql(__file__, "count_alike.sql")


@dataclass(frozen=True, slots=True)
class Alike:
    """How many signatures wait with each network, and with each comment or a variant of it. `MOST` + 1 means more."""

    of_network: dict[str, int]
    of_comment: dict[str, int]


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


def shown(number: int) -> str:
    return f"more than {MOST}" if number > MOST else str(number)
