"""What was done, by whom. Entries hold ids and codes, never a name or an address."""

from signatures.models import TrailEntry


def add(
    action: str,
    *,
    staff_id: int | None = None,
    letter_id: int | None = None,
    signature_id: int | None = None,
    was: str = "",
    now: str = "",
    reason: str = "",
    **detail: str | int,
) -> None:
    """Write one entry, in the transaction of what it tells."""
    TrailEntry(
        action=action,
        staff_id=staff_id,
        letter_id=letter_id,
        signature_id=signature_id,
        was=was,
        now=now,
        reason=reason,
        detail=detail,
    ).save(force_insert=True)


def last_move(signature_id: int) -> TrailEntry | None:
    """The newest entry that changed the state of this signature."""
    return TrailEntry.objects.filter(signature_id=signature_id).exclude(now="").first()
