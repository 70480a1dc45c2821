"""Which moves are allowed, and how a single one is made."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from django.db import transaction
from django.utils import timezone

from signatures.audit import audit_log
from signatures.models import Signature
from signatures.registries import AuditAction
from signatures.states import ALLOWED_FROM, State


class TransitionNotAllowed(Exception):
    """The state that the signature is in does not allow this move."""


class EditConflict(TransitionNotAllowed):
    """Somebody else did something with it since whoever decides saw it (SECURITY.md A7)."""


@contextmanager
def locked_row(signature: Signature) -> Iterator[Signature]:
    """Let nobody else act on a signature meanwhile; what is done while it is held is undone if a verb refuses.

    Raises:
        NotAllowed: when it is gone.
    """
    with transaction.atomic():
        yield lock(signature)


def lock(signature: Signature) -> Signature:
    """The row as it stands, which nobody else may touch before this transaction ends."""
    locked = Signature.objects.select_for_update().filter(pk=signature.pk).first()
    if locked is None:
        raise TransitionNotAllowed("It is gone.")
    return locked


def check_conflict(*locked: Signature, by: int, as_of: int | None) -> None:
    """Go on only if nobody else did anything with these locked rows since the entry `as_of`; None: nothing is known.

    Locked first: an entry is committed with the row it tells of, so none can come between this look and the decision.

    Raises:
        Overtaken: when somebody else did.
    """
    if as_of is not None and audit_log.changes_by_others([row.pk for row in locked], by=by, after=as_of):
        raise EditConflict("Somebody else did something with it meanwhile.")


def transition(locked: Signature, to: State, *, action: AuditAction, changed: Sequence[str] = ()) -> Signature:
    """Save a state with the columns that changed, if this action may set out from the state before."""
    if State(locked.state) not in ALLOWED_FROM[action]:
        raise TransitionNotAllowed(f"{locked.state} → {to}")
    today = (locked.approved_on or timezone.now().date()) if to == State.APPROVED else None
    return save_transition(locked, to, action=action, changed=changed, approved_on=today)


def save_transition(
    locked: Signature,
    to: State,
    *,
    action: AuditAction,
    approved_on: date | None,
    by: int | None = None,
    changed: Sequence[str] = (),
) -> Signature:
    """Save a state, whatever it was before, and the trail entry that tells of it."""
    kept: dict[str, str | int] = {"approved_on": locked.approved_on.isoformat()} if locked.approved_on else {}
    audit_log.record(
        action,
        staff_id=by,
        letter_id=locked.letter_id,
        signature_id=locked.pk,
        was=State(locked.state),
        now=to,
        detail=kept,
    )
    locked.state, locked.approved_on = to, approved_on
    locked.save(update_fields=["state", "approved_on", *changed])
    return locked
