"""The switches beside the alarms: signing is paused and taken up again; limits are tightened and loosened."""

from django.db import transaction
from django.utils import timezone

from campaign.models import Letter
from signatures.audit import audit_log
from signatures.models import BlocklistEntry, RateLimit
from signatures.registries import AuditAction
from signatures.screening import blocklists, rate_limits
from signatures.transitions import TransitionNotAllowed

TIGHTER = 10  # an office still signs; a script runs into it within a minute


def pause(letter: Letter, *, by: int) -> None:
    """Take no new sign-ups for this letter; who has signed up may still confirm.

    Raises:
        NotAllowed: unless it is open.
    """
    _turn(letter, Letter.State.OPEN, Letter.State.PAUSED, AuditAction.PAUSE, by)


def resume(letter: Letter, *, by: int) -> None:
    """Take sign-ups again.

    Raises:
        NotAllowed: unless it is paused.
    """
    _turn(letter, Letter.State.PAUSED, Letter.State.OPEN, AuditAction.RESUME, by)


@transaction.atomic
def _turn(letter: Letter, was: Letter.State, now: Letter.State, action: AuditAction, by: int) -> None:
    locked = Letter.objects.select_for_update().get(pk=letter.pk)
    if locked.state != was:
        raise TransitionNotAllowed(f"{locked.state} → {now}")
    locked.state = now
    locked.save(update_fields=["state"])
    audit_log.record(action, staff_id=by, letter_id=locked.pk, was=was, now=now)


def tighten(*, by: int) -> None:
    """Divide what one network and one mail domain may do; what is over it is flagged, and nobody refused.

    Raises:
        NotAllowed: when it is done already.
    """
    _divide(TIGHTER, AuditAction.TIGHTEN, by)


def loosen(*, by: int) -> None:
    """Let the limits be as staff have set them.

    Raises:
        NotAllowed: when they are.
    """
    _divide(1, AuditAction.LOOSEN, by)


@transaction.atomic
def _divide(divisor: int, action: AuditAction, by: int) -> None:
    chosen = RateLimit.objects.filter(scope__in=rate_limits.TIGHTENED_SCOPES).exclude(divisor=divisor)
    if not chosen.update(divisor=divisor):
        raise TransitionNotAllowed(f"The limits are divided by {divisor} already.")
    audit_log.record(action, staff_id=by, detail={"divisor": divisor})
    rate_limits.clear_cache()


@transaction.atomic
def switch_blocklist_entry(block: BlocklistEntry, *, on: bool, by: int) -> None:
    """Let a block flag what comes from now on, or no longer.

    Raises:
        NotAllowed: when it is over, and should be switched on.
    """
    if on and block.is_expired:
        raise TransitionNotAllowed("It is over.")
    BlocklistEntry.objects.filter(pk=block.pk).update(is_on=on)
    audit_log.record(
        AuditAction.BLOCK_ON if on else AuditAction.BLOCK_OFF, staff_id=by, detail={"row": block.pk, "kind": block.kind}
    )
    blocklists.clear_cache()


@transaction.atomic
def end_blocklist_entry(block: BlocklistEntry, *, by: int) -> None:
    """Let a block be over now."""
    BlocklistEntry.objects.filter(pk=block.pk).update(expires_at=timezone.now())
    audit_log.record(AuditAction.BLOCK_END, staff_id=by, detail={"row": block.pk, "kind": block.kind})
    blocklists.clear_cache()
