"""Which indexes can serve a statement, whatever the planner knows of the tables at the moment.

Among a test's few rows one index costs as much as another, and what a rolled-back test wrote still counts as size. So a
test that asks which plan is the cheapest passes or fails by what ran before it. It asks here instead whether the index
can serve at all: every other index is hidden, and what reads a table without one is disabled.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import connection
from django.db.models import QuerySet

_TABLES = "SELECT DISTINCT indrelid::regclass::text FROM pg_index WHERE indexrelid = ANY (%(kept)s::regclass[])"
_HIDE_OTHERS = """
    UPDATE pg_index SET indisvalid = false
    WHERE indexrelid <> ALL (%(kept)s::regclass[])
        AND indrelid IN (SELECT indrelid FROM pg_index WHERE indexrelid = ANY (%(kept)s::regclass[]))
"""


def reads_only(
    statement: QuerySet[Any] | str, *indexes: str, params: Mapping[str, Any] | None = None, sorted_later: bool = False
) -> bool:
    """Says whether these indexes alone can answer a statement, the order of its rows included.

    Args:
        statement: a queryset, or SQL.
        indexes: their names. Every one must be read, and their tables in no other way.
        params: the parameters of SQL.
        sorted_later: the index finds the rows, and their order comes afterwards, as with every GIN index.
    """
    sql, values = (statement, params) if isinstance(statement, str) else statement.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT plan")  # a test may only do this to its own transaction
        cursor.execute(_HIDE_OTHERS, {"kept": list(indexes)})
        cursor.execute("SET LOCAL enable_seqscan = off")
        if not sorted_later:
            cursor.execute("SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(_TABLES, {"kept": list(indexes)})
        tables = {table for (table,) in cursor.fetchall()}
        cursor.execute("EXPLAIN (FORMAT JSON) " + sql, values)
        ((explained,),) = cursor.fetchall()
        cursor.execute("ROLLBACK TO SAVEPOINT plan")
    nodes = list(_nodes(explained[0]["Plan"]))
    in_another_way = [node for node in nodes if node.get("Disabled") and node.get("Relation Name") in {*tables, None}]
    return set(indexes) <= {node.get("Index Name") for node in nodes} and not in_another_way


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)
