"""The audit log: what was done, when, by whom. Entries hold ids and codes, never a name or an address."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from campaign.runtime.locks import AdvisoryLock, transaction_lock
from signatures.models import AuditEntry, Delivery, Signature
from signatures.registries import READ_ACTIONS, STRANGERS_ACTIONS, AuditAction
from signatures.states import State

DAILY = timedelta(hours=23)
HOUR = timedelta(hours=1)
STRANGERS_PER_HOUR = 100  # entries of each of `STRANGERS_ACTIONS`, from all networks together

# Raw SQL, because every confirmation writes an entry, and the ORM takes as long to build this as PostgreSQL to run it.
_INSERT = """
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
    """Writes one entry. The caller is in the transaction of the change that the entry is about.

    Beyond `STRANGERS_PER_HOUR` an entry that strangers cause is left out, and one entry says so.

    Args:
        action: what was done.
        staff_id: the id of the member of staff who did it; None for a signer, a reader or the program.
        letter_id: the id of the letter that it is about.
        signature_id: the id of the signature that it is about.
        was: the state before, if the action changed the state.
        now: the state after, or "erased".
        reason: why, in words of staff or as a code.
        detail: more, as codes and numbers.

    Raises:
        ValueError: when the action is not registered.
    """
    if action not in AuditAction:
        raise ValueError(f"{action!r} is not in the registry of audit actions.")
    entry = (timezone.now(), action, staff_id, letter_id, signature_id, was, now, reason, json.dumps(detail or {}))
    with _room_for(action) as has_room, connection.cursor() as cursor:
        if has_room:
            cursor.execute(_INSERT, entry)


@contextmanager
def _room_for(action: AuditAction) -> Iterator[bool]:
    """Yields whether the entry may be written. The lock makes the number exact, however many requests come at once."""
    if action not in STRANGERS_ACTIONS:
        yield True
        return
    with transaction.atomic():
        transaction_lock(AdvisoryLock.COUNT_STRANGERS_ENTRIES)
        recent = AuditEntry.objects.filter(at__gt=timezone.now() - HOUR)
        has_room = recent.filter(action=action)[:STRANGERS_PER_HOUR].count() < STRANGERS_PER_HOUR
        if not has_room and not recent.filter(action=AuditAction.LEFT_OUT, detail__action=action).exists():
            record(AuditAction.LEFT_OUT, detail={"action": action})
        yield has_room


def record_each(
    action: AuditAction, rows: Sequence[Signature], *, staff_id: int, erased: bool = False
) -> tuple[int, int]:
    """Writes one entry for each signature that was made, or is about to be erased.

    Returns the ids of the first and the last entry.
    """
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


def record_errata(delivery: Delivery, signature_ids: Sequence[int]) -> None:
    """Records which rejected signatures became errata of a delivery."""
    AuditEntry.objects.bulk_create(
        AuditEntry(
            action=AuditAction.ERRATUM,
            letter_id=delivery.letter_id,
            signature_id=signature_id,
            detail={"delivery": delivery.pk, "number": delivery.number},
        )
        for signature_id in signature_ids
    )


def record_view(signature: Signature, *, by: int | None, page: str) -> None:
    """Records that staff looked at the details of one signer."""
    record(
        AuditAction.VIEW, staff_id=by, letter_id=signature.letter_id, signature_id=signature.pk, detail={"page": page}
    )


def record_search(page: str, found: int, *, by: int | None) -> None:
    """Records that staff searched, without the words: a name that somebody searches for is a name, too (A9)."""
    record(AuditAction.SEARCH, staff_id=by, detail={"page": page, "found": found})


def newest_id() -> int:
    """Returns the id of the newest entry. A page that is rendered now shows everything up to this entry."""
    return AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def last_transition(signature_id: int) -> AuditEntry | None:
    """Returns the newest entry that changed the state of this signature."""
    return AuditEntry.objects.filter(signature_id=signature_id).exclude(now="").first()


def newest_about(action: AuditAction, signature_id: int) -> AuditEntry | None:
    """Returns the newest entry of this action on this signature."""
    return AuditEntry.objects.filter(signature_id=signature_id, action=action).first()


def has_unseen_country(signature_id: int) -> bool:
    """Returns whether its signer changed the country after the last approval, and nobody had to look at it."""
    told = AuditEntry.objects.filter(signature_id=signature_id, now=State.APPROVED)
    unseen = Q(action=AuditAction.CHANGE, detail__unseen="country")
    newest = told.filter(unseen | Q(action=AuditAction.APPROVE)).first()
    return newest is not None and newest.action == AuditAction.CHANGE


def number_within_a_day(action: AuditAction, signature_id: int) -> int:
    """Returns how many entries of this action on this signature are younger than 24 hours."""
    young = timezone.now() - timedelta(days=1)
    return AuditEntry.objects.filter(signature_id=signature_id, action=action, at__gt=young).count()


def changes_by_others(signature_ids: Collection[int], *, by: int | None, after: int) -> dict[int, AuditEntry]:
    """Returns, for each signature that anybody else changed, the newest such entry (threat model A7).

    Args:
        signature_ids: the signatures to look at.
        by: the id of the member of staff whose own entries do not count; None counts the entries of all staff.
        after: the id of the entry up to which everything is known (see `newest_id`).
    """
    entries = AuditEntry.objects.filter(signature_id__in=signature_ids, pk__gt=after).exclude(action__in=READ_ACTIONS)
    if by is not None:
        entries = entries.exclude(staff_id=by)
    return {entry.signature_id: entry for entry in entries.order_by("pk") if entry.signature_id is not None}


def signatures_in(first: int, last: int, **conditions: Any) -> list[int]:
    """Returns the ids of the signatures in the entries from `first` to `last` that meet the conditions."""
    entries = AuditEntry.objects.filter(pk__gte=first, pk__lte=last, **conditions)
    return [number for number in entries.values_list("signature_id", flat=True) if number is not None]


def signatures_changed_by(staff_id: int, first: int, last: int) -> list[int]:
    """Returns the ids of the signatures whose state this member of staff changed, in entries from `first` to `last`."""
    return signatures_in(first, last, staff_id=staff_id, now__gt="")


def newest(action: AuditAction) -> datetime | None:
    """Returns when an action, which names no signature, was recorded last; None if it never was."""
    entry = AuditEntry.objects.filter(action=action, signature_id__isnull=True).order_by("-at").first()
    return entry.at if entry else None


def is_due_again(action: AuditAction) -> bool:
    """Returns whether a daily action, which names no signature, was last recorded a day ago, by any worker or staff.

    A day is 23 hours here, so that a worker that wakes a little early does not skip one.
    """
    now = timezone.now()
    # One of the future was recorded by a wrong clock, and counts for nothing (O19).
    recent = AuditEntry.objects.filter(action=action, signature_id__isnull=True, at__range=(now - DAILY, now + DAILY))
    return not recent.exists()
