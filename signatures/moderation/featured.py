"""Notables: whom staff put before all others, and in which order."""

from django.db import transaction
from django.db.models import Max

from signatures.audit import audit_log
from signatures.models import Signature
from signatures.registries import AuditAction
from signatures.states import State
from signatures.transitions import TransitionNotAllowed, check_conflict, lock

MAX_FEATURED = 200  # for one letter: all of them stand on the first page of the list


@transaction.atomic
def feature(
    signature: Signature, *, by: int, place: int | None = None, off: bool = False, as_of: int | None = None
) -> Signature:
    """Mark a signature as a featured_position one, at this place of their order (behind all others without one), or unmark it.

    Raises:
        NotAllowed: unless it waits or is approved, and has a name; or when there are too many.
        Overtaken: when somebody else did something with it since `as_of`.
    """
    locked = lock(signature)
    check_conflict(locked, by=by, as_of=as_of)
    if not off and (locked.state not in {State.WAITING, State.APPROVED} or not locked.name):
        raise TransitionNotAllowed(f"{locked.state} cannot be featured_position.")
    if off:
        place = None
    elif place is None:
        featured = Signature.objects.filter(letter_id=locked.letter_id, featured_position__isnull=False)
        if featured.count() >= MAX_FEATURED:
            raise TransitionNotAllowed(f"There are {MAX_FEATURED} featured already.")
        place = (featured.aggregate(Max("featured_position"))["featured_position__max"] or 0) + 1
    _put(locked, place, action=AuditAction.UNFEATURE if off else AuditAction.FEATURE, by=by)
    return locked


@transaction.atomic
def move(signature: Signature, *, by: int, up: bool, as_of: int | None = None) -> None:
    """Let a featured_position change places with the one before it (`up`) or behind it, of its own kind: each has its section.

    Raises:
        NotAllowed: when it is no featured_position any more, or there is none on that side.
        Overtaken: when somebody else did something with either since `as_of`.
    """
    chosen = Signature.objects.filter(letter_id=signature.letter_id, featured_position__isnull=False)
    # Locked in the order of their numbers, so that two who move at once wait for each other and do not deadlock.
    order = sorted(chosen.select_for_update().order_by("pk"), key=lambda row: (row.featured_position, row.pk))
    section = [row for row in order if row.kind == signature.kind]
    at = next((place for place, row in enumerate(section) if row.pk == signature.pk), None)
    other = None if at is None else at - 1 if up else at + 1
    if at is None or other is None or not 0 <= other < len(section):
        raise TransitionNotAllowed("There is no featured_position on that side.")
    one, two = section[at], section[other]
    check_conflict(one, two, by=by, as_of=as_of)
    i, j = order.index(one), order.index(two)
    order[i], order[j] = two, one
    for place, row in enumerate(order, start=1):
        if row.featured_position != place:
            _put(row, place, action=AuditAction.MOVE_FEATURED, by=by)


def _put(locked: Signature, place: int | None, *, action: AuditAction, by: int) -> None:
    detail = {} if place is None else {"place": place}
    audit_log.record(action, staff_id=by, letter_id=locked.letter_id, signature_id=locked.pk, detail=detail)
    locked.featured_position = place
    locked.save(update_fields=["featured_position"])
