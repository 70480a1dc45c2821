"""Transitions of one signature: locking (a submission, too), checking, and saving with an audit entry."""

from collections.abc import Callable, Mapping, Sequence

from django.utils import timezone

from signatures.audit import audit_log
from signatures.models import Signature, Submission
from signatures.registries import AuditAction
from signatures.states import ALLOWED_FROM, State

MAX_CHANGES = 20  # by the signer of one signature within 24 hours: nobody can delete the audit entry of a change


class TransitionNotAllowed(Exception):
    """The current state of the signature does not allow this action."""


class TooManyChanges(TransitionNotAllowed):
    """The signer made `MAX_CHANGES` changes within 24 hours (threat model A18)."""


class EditConflict(TransitionNotAllowed):
    """Somebody else changed the signature after the decider's page was made (threat model A7)."""


def attempt(action: Callable[[], object]) -> None:
    """Run an action whose button may be pressed twice: what was done before is no error, and does nothing.

    Raises:
        TransitionNotAllowed: only a more special one, which says what to do instead.
    """
    try:
        action()
    except TransitionNotAllowed as error:
        if type(error) is not TransitionNotAllowed:
            raise


def lock(row: Signature) -> Signature:
    """Returns the current row, locked until the transaction ends.

    Raises:
        TransitionNotAllowed: when it no longer exists.
    """
    locked = Signature.objects.select_for_update().filter(pk=row.pk).first()
    if locked is None:
        raise TransitionNotAllowed("It no longer exists.")
    return locked


def lock_submission(row: Submission) -> Submission:
    """Returns the current row, locked until the transaction ends.

    Raises:
        TransitionNotAllowed: when it no longer exists.
    """
    locked = Submission.objects.select_for_update().filter(pk=row.pk).first()
    if locked is None:
        raise TransitionNotAllowed("It no longer exists.")
    return locked


def check_conflict(*locked: Signature, by: int, as_of: int | None) -> None:
    """Check that nobody else acted on these signatures since a page was made.

    The rows are locked before: an audit entry is committed together with its row, so that none can be added between
    this check and the decision. `as_of` is the last audit entry that the page knew; None checks nothing.

    Raises:
        EditConflict: when somebody else acted on one of them.
    """
    if as_of is not None and audit_log.changes_by_others([row.pk for row in locked], by=by, after=as_of):
        raise EditConflict("Somebody else changed it meanwhile.")


def check_allowed(locked: Signature, action: AuditAction) -> None:
    """Check that the action may start from the current state, also where it would change nothing.

    Raises:
        TransitionNotAllowed: when it may not.
    """
    if State(locked.state) not in ALLOWED_FROM[action]:
        raise TransitionNotAllowed(f"{action} from {locked.state}")


def transition(
    locked: Signature,
    to: State,
    *,
    action: AuditAction,
    changed: Sequence[str] = (),
    by: int | None = None,
    detail: Mapping[str, str | int] | None = None,
) -> Signature:
    """Save a new state and the changed columns, with an audit entry.

    Raises:
        TransitionNotAllowed: when the action may not start from the current state.
        TooManyChanges: when the signer made `MAX_CHANGES` changes within 24 hours.
    """
    if action == AuditAction.CHANGE and audit_log.number_within_a_day(action, locked.pk) >= MAX_CHANGES:
        raise TooManyChanges(f"{MAX_CHANGES} in 24 hours")
    check_allowed(locked, action)
    today = (locked.approved_on or timezone.now().date()) if to == State.APPROVED else None
    former = {"approved_on": locked.approved_on.isoformat()} if locked.approved_on else {}
    audit_log.record(
        action,
        staff_id=by,
        letter_id=locked.letter_id,
        signature_id=locked.pk,
        was=State(locked.state),
        now=to,
        detail={**former, **(detail or {})},
    )
    locked.state, locked.approved_on = to, today
    locked.save(update_fields=["state", "approved_on", *changed])
    return locked
