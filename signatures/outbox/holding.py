"""The hold of the outbox (threat model O14): after many failures of the email service in a row, nothing but probes.

A probe is one email, sent after growing pauses. The hold ends when one gets through, or when staff press *Send again*.
So neither an outage nor a wrong setting uses up an email or its recipient.
"""

from datetime import datetime, timedelta

from django.db.models import F, Q
from django.utils import timezone

from signatures.models import OutboxHold, OutboxMail

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=2)  # between two probes


def current() -> OutboxHold:
    return OutboxHold.objects.filter(pk=OutboxHold.ROW).first() or OutboxHold(pk=OutboxHold.ROW)


def take_probe(hold: OutboxHold) -> bool:
    """Returns whether the caller may send one email though the outbox is held. Of several at a time, one may."""
    now = timezone.now()
    rows = OutboxHold.objects.filter(pk=hold.pk, probe_at__lte=now)
    return rows.update(probe_at=_next_probe(hold.failures, now)) == 1


def record_failure(fault: str, *, is_probe: bool) -> None:
    """Counts a failure of the email service. In a hold only probes count, because their pauses grow with the count."""
    hold, _is_new = OutboxHold.objects.get_or_create(pk=OutboxHold.ROW)
    counted = Q() if is_probe else Q(failures__lt=OutboxHold.AFTER)
    next_probe = _next_probe(hold.failures + 1, timezone.now())
    OutboxHold.objects.filter(counted, pk=hold.pk).update(failures=F("failures") + 1, fault=fault, probe_at=next_probe)


def record_answer() -> None:
    """Ends the hold: the email service works, because it took an email, or named a mailbox that takes none."""
    OutboxHold.objects.filter(pk=OutboxHold.ROW, failures__gt=0).update(failures=0, fault="", probe_at=None)


def send_again() -> int:
    """Ends the hold, and makes every email due that a failure delayed. Returns the number of these."""
    record_answer()
    now = timezone.now()
    delayed = OutboxMail.objects.filter(recipient__isnull=False, due_at__gt=now).exclude(failure="")
    # Those that are being sent just now are left out: two senders must not wait for each other.
    found = list(delayed.select_for_update(skip_locked=True).values_list("pk", flat=True))
    return OutboxMail.objects.filter(pk__in=found).update(due_at=now)


def _next_probe(failures: int, now: datetime) -> datetime:
    doublings = min(max(0, failures - OutboxHold.AFTER), 10)
    return now + min(FIRST_PAUSE * 2**doublings, LONGEST_PAUSE)
