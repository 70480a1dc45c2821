"""What is saved of an attempt to send an email: when it is tried again, or that it ends."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db.models.functions import Coalesce
from django.utils import timezone

from signatures.models import OutboxMail
from signatures.outbox import holding
from signatures.outbox.refusals import Failure, Fault

log = logging.getLogger(__name__)

# An email whose mailbox takes nothing for now is given up after both.
MAX_ATTEMPTS, LIFE = 12, timedelta(days=5)
FIRST_WAIT, MAX_WAIT = timedelta(minutes=1), timedelta(hours=2)  # between two attempts of these; it doubles
# The same while the server is at fault. A hold begins within a minute, even if no other email is due.
FIRST_FAULT_WAIT, MAX_FAULT_WAIT = timedelta(seconds=2), timedelta(minutes=15)


def save(mail: OutboxMail, failure: Failure | None, *, is_probe: bool) -> bool:
    """Saves the result of an attempt, in the caller's transaction. Returns whether the email was sent.

    An email that was deleted meanwhile, or sent by somebody else after the claim had run out, stays as it is.
    """
    now = timezone.now()
    if failure is None:
        holding.record_answer(is_probe=is_probe)
        changes = {"sent_at": now, "recipient": None, "attempts": mail.attempts + 1}
    elif failure.is_about_mailbox:
        holding.record_answer(is_probe=is_probe)
        changes = _after_answer(mail, failure, now)
    else:
        holding.record_failure(failure, is_probe=is_probe)
        wait = _doubled(FIRST_FAULT_WAIT, mail.faults, MAX_FAULT_WAIT)
        changes = {"faults": mail.faults + 1, "due_at": now + wait}
    if failure:
        log.warning("mail %s not sent: %s", mail.pk, failure)
    common: dict[str, Any] = {"failure": str(failure or ""), "claimed_until": None}
    if failure and failure.is_for_good:
        common["refused_at"] = Coalesce("refused_at", now)
    rows = OutboxMail.objects.filter(pk=mail.pk, recipient__isnull=False)
    return bool(rows.update(**common, **changes)) and failure is None


def _after_answer(mail: OutboxMail, failure: Failure, now: datetime) -> dict[str, Any]:
    attempts = mail.attempts + 1
    is_old = attempts >= MAX_ATTEMPTS and (mail.waiting_since or now) <= now - LIFE
    forgotten = {"recipient": None} if failure.fault == Fault.FINAL or is_old else {}
    return {"attempts": attempts, "due_at": now + _doubled(FIRST_WAIT, mail.attempts, MAX_WAIT), **forgotten}


def _doubled(first: timedelta, times: int, longest: timedelta) -> timedelta:
    return min(first * (1 << min(times, 20)), longest)
