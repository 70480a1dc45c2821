"""Switches for staff: signing, rate limits, emails that wait, proof of work, blocklist entries."""

from django.db import transaction
from django.utils import timezone

from campaign.models import Letter
from signatures.audit import audit_log
from signatures.models import BlocklistEntry, OutboxMail, RateLimit, Switch
from signatures.outbox import holding, queue
from signatures.registries import AuditAction
from signatures.screening import blocklists, proof_of_work, rate_limits
from signatures.transitions import TransitionNotAllowed

TIGHT_DIVISOR = 10  # an office can still sign, a script reaches the limits within a minute


def pause(letter: Letter, *, by: int) -> None:
    """Accept no new sign-ups for this letter. Whoever has signed up can still confirm.

    Raises:
        TransitionNotAllowed: unless it is open.
    """
    _change_state(letter, Letter.State.OPEN, Letter.State.PAUSED, AuditAction.PAUSE, by)


def resume(letter: Letter, *, by: int) -> None:
    """Accept sign-ups again.

    Raises:
        TransitionNotAllowed: unless it is paused.
    """
    _change_state(letter, Letter.State.PAUSED, Letter.State.OPEN, AuditAction.RESUME, by)


@transaction.atomic
def _change_state(letter: Letter, was: Letter.State, now: Letter.State, action: AuditAction, by: int) -> None:
    locked = Letter.objects.select_for_update().get(pk=letter.pk)
    if locked.state != was:
        raise TransitionNotAllowed(f"{locked.state} → {now}")
    locked.state = now
    locked.save(update_fields=["state"])
    audit_log.record(action, staff_id=by, letter_id=locked.pk, was=was, now=now)


def tighten(*, by: int) -> None:
    """Divide the limits for networks and email domains. Exceeding a limit sets a flag; nobody is refused.

    Raises:
        TransitionNotAllowed: when they are tightened already.
    """
    _divide_limits(TIGHT_DIVISOR, AuditAction.TIGHTEN, by)


def loosen(*, by: int) -> None:
    """Restore the limits that staff have set.

    Raises:
        TransitionNotAllowed: when they are not tightened.
    """
    _divide_limits(1, AuditAction.LOOSEN, by)


@transaction.atomic
def _divide_limits(divisor: int, action: AuditAction, by: int) -> None:
    changed = RateLimit.objects.filter(scope__in=rate_limits.TIGHTENED_SCOPES).exclude(divisor=divisor)
    if not changed.update(divisor=divisor):
        raise TransitionNotAllowed(f"The limits are divided by {divisor} already.")
    audit_log.record(action, staff_id=by, detail={"divisor": divisor})
    rate_limits.clear_cache()


def pause_flagged_mail(*, by: int) -> None:
    """Send no emails to flagged sign-ups until `resume_flagged_mail`. They wait in the outbox; none is lost.

    Raises:
        TransitionNotAllowed: when they are paused already.
    """
    _turn(Switch.Code.PAUSE_FLAGGED_MAIL, AuditAction.PAUSE_FLAGGED_MAIL, on=True, by=by)


@transaction.atomic
def resume_flagged_mail(*, by: int) -> None:
    """Send the emails to flagged sign-ups again, after all others.

    Raises:
        TransitionNotAllowed: when they are not paused.
    """
    _turn(Switch.Code.PAUSE_FLAGGED_MAIL, AuditAction.RESUME_FLAGGED_MAIL, on=False, by=by)
    queue.restart_waiting(OutboxMail.Priority.FLAGGED)


@transaction.atomic
def send_again(*, by: int) -> None:
    """End the hold of the outbox, and have every email that failed sent again at once.

    Raises:
        TransitionNotAllowed: when the outbox is not held and no email waits since it failed.
    """
    was_held = holding.current().is_held
    if not (holding.send_again() or was_held):
        raise TransitionNotAllowed("No email waits since it failed.")
    audit_log.record(AuditAction.SEND_AGAIN, staff_id=by)


def ask_for_work(*, by: int) -> None:
    """Ask every browser for proof of work, within ten seconds. Submissions without it get a flag.

    Raises:
        TransitionNotAllowed: when they are asked already.
    """
    _turn(Switch.Code.PROOF_OF_WORK, AuditAction.ASK_FOR_WORK, on=True, by=by)


def stop_asking_for_work(*, by: int) -> None:
    """Ask browsers for no more work.

    Raises:
        TransitionNotAllowed: when they are not asked.
    """
    _turn(Switch.Code.PROOF_OF_WORK, AuditAction.STOP_ASKING_FOR_WORK, on=False, by=by)


@transaction.atomic
def _turn(code: Switch.Code, action: AuditAction, *, on: bool, by: int) -> None:
    Switch.objects.get_or_create(code=code)
    if not Switch.objects.filter(code=code, is_on=not on).update(is_on=on):
        raise TransitionNotAllowed(f"{code} is turned already.")
    audit_log.record(action, staff_id=by)
    proof_of_work.clear_cache()


@transaction.atomic
def switch_blocklist_entry(entry: BlocklistEntry, *, on: bool, by: int) -> None:
    """Switch a blocklist entry on or off. It flags only what arrives while it is on.

    Raises:
        TransitionNotAllowed: when it should be switched on, but has expired.
    """
    locked = BlocklistEntry.objects.select_for_update().get(pk=entry.pk)
    if on and locked.is_expired:
        raise TransitionNotAllowed("The blocklist entry has expired.")
    BlocklistEntry.objects.filter(pk=entry.pk).update(is_on=on)
    action = AuditAction.BLOCK_ON if on else AuditAction.BLOCK_OFF
    audit_log.record(action, staff_id=by, detail={"row": entry.pk, "kind": entry.kind})
    blocklists.clear_cache()


@transaction.atomic
def end_blocklist_entry(entry: BlocklistEntry, *, by: int) -> None:
    """Let a blocklist entry expire now. It is off: a later time alone does not bring it back."""
    BlocklistEntry.objects.filter(pk=entry.pk).update(expires_at=timezone.now(), is_on=False)
    audit_log.record(AuditAction.BLOCK_END, staff_id=by, detail={"row": entry.pk, "kind": entry.kind})
    blocklists.clear_cache()
