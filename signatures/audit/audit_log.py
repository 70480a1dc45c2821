"""What was done, by whom. Entries hold ids and codes, never a name or an address."""

import json
from collections.abc import Collection, Mapping, Sequence

from django.db import connection
from django.utils import timezone

from signatures.models import AuditEntry, Signature
from signatures.registries import READ_ACTIONS, AuditAction
from signatures.states import State

# By hand, because every confirmation passes here: the ORM takes as long to word this as PostgreSQL to do it.
_ADD = """
    INSERT INTO signatures_auditentry (at, action, staff_id, letter_id, signature_id, was, now, reason, detail)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def record(
    action: AuditAction,
    *,
    staff_id: int | None = None,
    letter_id: int | None = None,
    signature_id: int | None = None,
    was: str = "",
    now: str = "",
    reason: str = "",
    detail: Mapping[str, str | int] | None = None,
) -> None:
    """Write one entry, in the transaction of the change that it records.

    Raises:
        ValueError: when the action is not registered.
    """
    if action not in AuditAction:
        raise ValueError(f"{action!r} is not in the registry of audit actions.")
    entry = (
        timezone.now(),
        AuditAction(action),
        staff_id,
        letter_id,
        signature_id,
        was,
        now,
        reason,
        json.dumps(detail or {}),
    )
    with connection.cursor() as cursor:
        cursor.execute(_ADD, entry)


def record_each(
    action: AuditAction, rows: Sequence[Signature], *, staff_id: int, erased: bool = False
) -> tuple[int, int]:
    """Write one entry for each of these, which were made or are erased; the numbers of the first and the last."""
    entries = AuditEntry.objects.bulk_create(
        AuditEntry(
            action=action,
            staff_id=staff_id,
            letter_id=row.letter_id,
            signature_id=row.pk,
            was=State(row.state) if erased else "",
            now="erased" if erased else State(row.state),
        )
        for row in rows
    )
    return entries[0].pk, entries[-1].pk


def signatures_in(first: int, last: int, *, action: AuditAction, letter_id: int) -> list[int]:
    """The signatures that entries of this action in this range tell of."""
    found = AuditEntry.objects.filter(pk__gte=first, pk__lte=last, action=action, letter_id=letter_id)
    return [number for number in found.values_list("signature_id", flat=True) if number is not None]


def record_view(signature: Signature, *, by: int | None, page: str) -> None:
    """Staff looked at the details of one signer."""
    record(
        AuditAction.VIEW, staff_id=by, letter_id=signature.letter_id, signature_id=signature.pk, detail={"page": page}
    )


def record_search(page: str, found: int, *, by: int | None) -> None:
    """Staff searched. Not for what: a name that somebody looks for is a name, too (A9)."""
    record(AuditAction.SEARCH, staff_id=by, detail={"page": page, "found": found})


def last_transition(signature_id: int) -> AuditEntry | None:
    """The newest entry that changed the state of this signature."""
    return AuditEntry.objects.filter(signature_id=signature_id).exclude(now="").first()


def newest_id() -> int:
    """The number of the newest entry: what a page that is made now has seen."""
    return AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def changes_by_others(signature_ids: Collection[int], *, by: int | None, after: int) -> dict[int, AuditEntry]:
    """For each of these, the newest entry behind this one by anybody else: staff, signer or rule (SECURITY.md A7)."""
    found = AuditEntry.objects.filter(signature_id__in=signature_ids, pk__gt=after).exclude(action__in=READ_ACTIONS)
    if by is not None:
        found = found.exclude(staff_id=by)
    return {entry.signature_id: entry for entry in found.order_by("pk") if entry.signature_id is not None}


def signatures_changed_by(staff_id: int, first: int, last: int) -> list[int]:
    """The signatures whose state entries in this range, by this member of staff, changed."""
    found = AuditEntry.objects.filter(pk__gte=first, pk__lte=last, staff_id=staff_id).exclude(now="")
    return [entry.signature_id for entry in found.only("signature_id") if entry.signature_id is not None]
