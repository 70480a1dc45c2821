"""Featured signatures: those that staff list before all others, in an order that staff choose."""

from django.db import transaction
from django.db.models import Max

from signatures.audit import audit_log
from signatures.models import Signature
from signatures.registries import AuditAction
from signatures.states import State
from signatures.transitions import TransitionNotAllowed, check_conflict, lock

MAX_FEATURED = 200  # for one letter, because the first page of the list shows all of them


@transaction.atomic
def feature(signature: Signature, *, by: int, as_of: int | None = None) -> Signature:
    """Feature a signature, behind all others.

    Raises:
        TransitionNotAllowed: unless it is waiting or approved, and has a name; or when too many are featured.
        EditConflict: when somebody else changed the signature since `as_of`.
    """
    locked = lock(signature)
    check_conflict(locked, by=by, as_of=as_of)
    if locked.state not in {State.WAITING, State.APPROVED} or not locked.name:
        raise TransitionNotAllowed("Only waiting and approved signatures with a name can be featured.")
    _save_position(locked, _next_position(locked.letter_id), action=AuditAction.FEATURE, by=by)
    return locked


def _next_position(letter_id: int) -> int:
    featured = Signature.objects.filter(letter_id=letter_id, featured_position__isnull=False)
    if featured.count() >= MAX_FEATURED:
        raise TransitionNotAllowed(f"There are {MAX_FEATURED} featured signatures already.")
    return (featured.aggregate(Max("featured_position"))["featured_position__max"] or 0) + 1


@transaction.atomic
def unfeature(signature: Signature, *, by: int, as_of: int | None = None) -> Signature:
    """Feature a signature no longer. Harmless when repeated.

    Raises:
        TransitionNotAllowed: when the signature was erased.
        EditConflict: when somebody else changed the signature since `as_of`.
    """
    locked = lock(signature)
    check_conflict(locked, by=by, as_of=as_of)
    _save_position(locked, None, action=AuditAction.UNFEATURE, by=by)
    return locked


@transaction.atomic
def move(signature: Signature, *, by: int, up: bool, as_of: int | None = None) -> None:
    """Swap a featured signature with its upper or lower neighbor of the same kind: each kind has its own section.

    Raises:
        TransitionNotAllowed: when it is not featured, or has no neighbor on that side.
        EditConflict: when somebody else changed either signature since `as_of`.
    """
    featured = Signature.objects.filter(letter_id=signature.letter_id, featured_position__isnull=False)
    # Locked in the order of their ids, so that two simultaneous moves wait for each other instead of deadlocking.
    order = sorted(featured.select_for_update().order_by("pk"), key=lambda row: (row.featured_position, row.pk))
    section = [row for row in order if row.kind == signature.kind]
    index = next((index for index, row in enumerate(section) if row.pk == signature.pk), None)
    other = None if index is None else index - 1 if up else index + 1
    if index is None or other is None or not 0 <= other < len(section):
        raise TransitionNotAllowed("There is no featured signature on that side.")
    one, two = section[index], section[other]
    check_conflict(one, two, by=by, as_of=as_of)
    i, j = order.index(one), order.index(two)
    order[i], order[j] = two, one
    for position, row in enumerate(order, start=1):
        if row.featured_position != position:
            _save_position(row, position, action=AuditAction.MOVE_FEATURED, by=by)


def _save_position(locked: Signature, position: int | None, *, action: AuditAction, by: int) -> None:
    detail = {} if position is None else {"place": position}
    audit_log.record(action, staff_id=by, letter_id=locked.letter_id, signature_id=locked.pk, detail=detail)
    locked.featured_position = position
    locked.save(update_fields=["featured_position"])
