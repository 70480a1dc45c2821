"""Caps on emails to one mailbox about one letter (threat model S20). What they hold back waits, and is sent later.

They are applied when an email is sent, so that the page that queues it does the same for every address. Sign-ups and
links that were asked for have caps of their own: typing somebody's address never uses up the way to their signature.
"""

from datetime import datetime, timedelta
from typing import Any

from campaign.runtime.locks import AdvisoryLock, transaction_lock
from signatures.models import OutboxMail

MIN_INTERVAL = timedelta(minutes=10)  # between two emails of one kind
MAX_PER_DAY = 3  # emails of one kind
DAY = timedelta(days=1)
CAPPED_KINDS = frozenset({OutboxMail.Kind.LINK, OutboxMail.Kind.LINKS})


def held_until(mail: OutboxMail, now: datetime) -> datetime | None:
    """Returns when the caps allow to send this email, or None if they allow it now.

    Holds a lock on the mailbox until the transaction ends, so that two workers do not both find that one more is
    allowed.
    """
    if mail.kind not in CAPPED_KINDS or not mail.mailbox:
        return None
    if not transaction_lock(AdvisoryLock.SEND_TO_MAILBOX, int(mail.mailbox[:7], 16), wait=False):
        return now + MIN_INTERVAL
    sent = OutboxMail.objects.filter(mailbox=mail.mailbox, kind=mail.kind, sent_at__gt=now - DAY)
    recent: list[Any] = list(sent.order_by("-sent_at").values_list("sent_at", flat=True)[:MAX_PER_DAY])
    waits = [at + MIN_INTERVAL for at in recent[:1]] + [at + DAY for at in recent[MAX_PER_DAY - 1 :]]
    return max((until for until in waits if until > now), default=None)
