"""The hold of the outbox (threat model O14): after many failures of the email service in a row, nothing but probes.

A probe is one email. The hold ends when one gets through, or when staff press *Send again*. So neither an outage nor a
wrong setting uses up an email or its recipient.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from signatures.models import OutboxHold, OutboxMail
from signatures.outbox.refusals import Failure, Fault

PAUSE = timedelta(seconds=5)  # between two probes
# A service that answers is asked less and less often: it may take many wrong passwords for an attack.
LONGEST_PAUSE = timedelta(minutes=1)
# A service that took an email just now works. What it refuses meanwhile is about that email, or it is one connection
# too many.
WORKS_FOR = timedelta(seconds=10)


def current() -> OutboxHold:
    return OutboxHold.objects.filter(pk=OutboxHold.ROW).first() or OutboxHold(pk=OutboxHold.ROW)


def allows_attempt(hold: OutboxHold) -> bool:
    """Returns whether an email may be tried now, be it as a probe."""
    return not hold.is_held or hold.probe_at is None or hold.probe_at <= timezone.now()


def may_try(hold: OutboxHold) -> bool:
    """Returns whether the caller may try one email now. While the outbox is held, one of several may, as a probe."""
    now = timezone.now()
    return (
        not hold.is_held or OutboxHold.objects.filter(pk=hold.pk, probe_at__lte=now).update(probe_at=now + PAUSE) == 1
    )


def record_failure(failure: Failure, *, is_probe: bool) -> None:
    """Counts a failure of the email service. In a hold only probes count, because pauses grow with the count."""
    now = timezone.now()
    if OutboxMail.objects.filter(sent_at__gt=now - WORKS_FOR).exists():
        return
    hold, _is_new = OutboxHold.objects.get_or_create(pk=OutboxHold.ROW)
    counted = Q() if is_probe else Q(failures__lt=OutboxHold.AFTER)
    probe_at = now + _pause(failure, hold.failures + 1)
    OutboxHold.objects.filter(counted, pk=hold.pk).update(
        failures=F("failures") + 1, fault=str(failure), probe_at=probe_at
    )


def record_answer(*, is_probe: bool) -> None:
    """Ends the count: the email service works, because it took an email, or named a mailbox that takes none."""
    OutboxHold.objects.filter(pk=OutboxHold.ROW, failures__gt=0).update(failures=0, fault="", probe_at=None)
    if is_probe:
        _make_due()


@transaction.atomic
def send_again() -> int:
    """Ends the hold, and makes every email due that the email service delayed. Returns the number of these."""
    record_answer(is_probe=False)
    return _make_due()


def _make_due() -> int:
    now = timezone.now()
    delayed = OutboxMail.objects.filter(recipient__isnull=False, due_at__gt=now, faults__gt=0)
    # Those that are locked are left out: two senders must not wait for each other.
    found = list(delayed.select_for_update(skip_locked=True).values_list("pk", flat=True))
    return OutboxMail.objects.filter(pk__in=found).update(due_at=now)


def _pause(failure: Failure, failures: int) -> timedelta:
    doublings = min(max(0, failures - OutboxHold.AFTER), 10) if failure.fault == Fault.REFUSED else 0
    return min(PAUSE * (1 << doublings), LONGEST_PAUSE)
