"""What was done, by whom. Entries hold ids and codes, never a name or an address."""

import json
from collections.abc import Mapping
from datetime import datetime

from django.db import connection
from django.utils import timezone

from signatures.models import TrailEntry

# By hand, because every confirmation passes here: the ORM takes as long to word this as PostgreSQL to do it.
_ADD = """
    INSERT INTO signatures_trailentry (at, action, staff_id, letter_id, signature_id, was, now, reason, detail)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def add(
    action: str,
    *,
    staff_id: int | None = None,
    letter_id: int | None = None,
    signature_id: int | None = None,
    was: str = "",
    now: str = "",
    reason: str = "",
    detail: Mapping[str, str | int] | None = None,
) -> None:
    """Write one entry, in the transaction of what it tells."""
    entry = (timezone.now(), action, staff_id, letter_id, signature_id, was, now, reason, json.dumps(detail or {}))
    with connection.cursor() as cursor:
        cursor.execute(_ADD, entry)


def last_move(signature_id: int) -> TrailEntry | None:
    """The newest entry that changed the state of this signature."""
    return TrailEntry.objects.filter(signature_id=signature_id).exclude(now="").first()


def of_staff(staff_id: int, first: int, last: int) -> list[int]:
    """The signatures that entries in this range, by this member of staff, tell of."""
    found = TrailEntry.objects.filter(pk__gte=first, pk__lte=last, staff_id=staff_id)
    return [entry.signature_id for entry in found.only("signature_id") if entry.signature_id is not None]


def took_back(signature_id: int, since: datetime) -> bool:
    """Whether its signer took this signature back since then."""
    return TrailEntry.objects.filter(signature_id=signature_id, action="withdraw", at__gte=since).exists()
