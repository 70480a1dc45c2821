"""Claims: an email that is being sent is one sender's alone, until the result is saved or its process dies.

No transaction is open meanwhile: nobody waits for a slow email service, neither who confirms or withdraws, nor a pool
of database connections.
"""

from collections.abc import Collection
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from signatures.models import OutboxMail

LIFETIME = timedelta(seconds=10)  # without a renewal; a worker that is asked to end has less time than that


def claim(mail: OutboxMail) -> None:
    """Marks a locked email as being sent. It counts as waiting from when it was due first."""
    mail.waiting_since = mail.waiting_since or mail.due_at
    mail.claimed_until = timezone.now() + LIFETIME
    mail.save(update_fields=["waiting_since", "claimed_until"])


def renew(numbers: Collection[int]) -> None:
    """Lengthens the claims on the emails with these ids, before they run out. Whoever saves a result ends its claim."""
    now = timezone.now()
    late = OutboxMail.objects.filter(pk__in=numbers, claimed_until__lt=now + LIFETIME / 2)
    late.update(claimed_until=now + LIFETIME)


def unclaimed() -> Q:
    """Returns the condition for emails that nobody is sending."""
    return Q(claimed_until__isnull=True) | Q(claimed_until__lte=timezone.now())
