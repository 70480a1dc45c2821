"""Makes anew the columns by which names are searched, sorted and compared, after their definition has changed."""

from datetime import timedelta
from typing import Any

from django.db import connections
from django.db.models import QuerySet
from django.utils import timezone

from signatures.models import Signature
from signatures.registries.typed_fields import DERIVED_FROM_WORDS
from signatures.values.names import search_columns

BATCH = 2_000  # rows read at a time
OVERLAP = timedelta(hours=3)  # for which the former code may confirm after the migration
LONGEST_UNCONFIRMED = timedelta(days=8)
# Not where somebody has changed the name meanwhile, or withdrawn.
_STORE = """
    UPDATE signatures_signature AS row
    SET {changes}
    FROM unnest(%s::bigint[], {arrays}) AS new(id, name, organization, {columns})
    WHERE row.id = new.id AND row.name = new.name AND row.organization = new.organization
"""


def refresh(rows: QuerySet[Any]) -> int:
    """Makes the columns anew that differ from what `names.search_columns` makes now. Returns in how many rows.

    Of the model of a migration, which may lack the latest columns, those that it has.
    """
    there = {field.name for field in rows.model._meta.concrete_fields}
    columns = [name for name in DERIVED_FROM_WORDS if name in there]
    store = _STORE.format(
        changes=", ".join(f"{column} = new.{column}" for column in columns),
        arrays=", ".join(["%s::text[]"] * (2 + len(columns))),
        columns=", ".join(columns),
    )
    changed, last = 0, (0,)
    ordered = rows.order_by("pk").values_list("pk", "name", "organization", *columns)
    while batch := list(ordered.filter(pk__gt=last[0])[:BATCH]):
        last = batch[-1]
        anew = [(*row[:3], *map(search_columns(row[1], row[2]).__getitem__, columns)) for row in batch]
        outdated = [new for row, new in zip(batch, anew, strict=True) if row != new]
        if outdated:
            with connections[rows.db].cursor() as cursor:
                cursor.execute(store, [list(column) for column in zip(*outdated, strict=True)])
                changed += cursor.rowcount
    return changed


def refresh_recent() -> int:
    """Does so for what was confirmed within `OVERLAP`: by the former code perhaps, while an upgrade was under way."""
    now = timezone.now()
    rows = Signature.objects.filter(signed_up_at__gt=now - LONGEST_UNCONFIRMED, confirmed_at__gt=now - OVERLAP)
    return refresh(rows.exclude(name=""))
