"""Decisions about one signature, for tests. The admin pages decide many at once (`decisions.decide`)."""

from signatures.models import Signature
from signatures.moderation.decisions import decide
from signatures.registries import AuditAction
from signatures.transitions import TransitionNotAllowed


def approve(signature: Signature, *, by: int) -> None:
    _decide(AuditAction.APPROVE, signature, by=by)


def reject(signature: Signature, *, by: int, reason: str) -> None:
    _decide(AuditAction.REJECT, signature, by=by, reason=reason)


def hold(signature: Signature, *, by: int) -> None:
    _decide(AuditAction.HOLD, signature, by=by)


def _decide(action: AuditAction, signature: Signature, *, by: int, reason: str = "") -> None:
    """Decide one signature. Raises TransitionNotAllowed when its state does not allow it."""
    if not decide(action, Signature.objects.filter(pk=signature.pk), by=by, reason=reason).decided:
        raise TransitionNotAllowed(f"The state of the signature does not allow: {action}.")
