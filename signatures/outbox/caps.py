"""Caps on emails to one mailbox about one letter (threat model S20). What they hold back waits, and is sent later.

They are applied when an email is sent, so that the page that queues it does the same for every address. Sign-ups and
links that were asked for have caps of their own: typing somebody's address never uses up the way to their signature.

All spellings of an address have a cap of a day together, because they may reach one mailbox. The cap of a week is that
of each address alone: a stranger who types five other spellings does not hold back the email to its owner for a week.
"""

from datetime import datetime, timedelta

from django.db.models import QuerySet

from campaign.runtime.locks import AdvisoryLock, transaction_lock
from signatures.models import OutboxMail

MIN_INTERVAL, DAY, WEEK = timedelta(minutes=10), timedelta(days=1), timedelta(days=7)
MAX_PER_DAY, MAX_PER_WEEK = 3, 5
BUSY = timedelta(seconds=5)  # until an email to a mailbox is tried again to which another sender sends just now
CAPPED = frozenset({OutboxMail.Kind.LINK, OutboxMail.Kind.LINKS})
_OF_MAILBOX = ((MIN_INTERVAL, 1), (DAY, MAX_PER_DAY))  # how many emails of a kind may be sent in how long


def held_until(mail: OutboxMail, now: datetime) -> datetime | None:
    """Returns when the caps allow to send this email, or None if they allow it now.

    Holds a lock on the mailbox until the transaction ends, in which the caller claims the email. So two senders do not
    both find that one more is allowed.
    """
    if mail.kind not in CAPPED or not mail.mailbox:
        return None
    if not transaction_lock(AdvisoryLock.SEND_TO_MAILBOX, int(mail.mailbox[:7], 16), wait=False):
        return now + BUSY
    # Links to a signature are counted by the signature: nobody else can use them up by other spellings of the address.
    of_mailbox = {"mailbox": mail.mailbox} if mail.signature is None else {"signature_id": mail.signature_id}
    same = OutboxMail.objects.filter(**of_mailbox, kind=mail.kind)
    if same.filter(claimed_until__gt=now).exists():
        return now + BUSY
    waits = [_held_by(same, span, number) for span, number in _OF_MAILBOX]
    if mail.kind == OutboxMail.Kind.LINK and mail.address_key:
        waits.append(_held_by(same.filter(address_key=mail.address_key), WEEK, MAX_PER_WEEK))
    return max((until for until in waits if until and until > now), default=None)


def _held_by(same: QuerySet[OutboxMail], span: timedelta, number: int) -> datetime | None:
    """Returns until when these emails, of which so many may be sent in a span of time, hold back another one."""
    sent = same.filter(sent_at__isnull=False).order_by("-sent_at").values_list("sent_at", flat=True)
    last = sent[number - 1 : number].first()
    return last + span if last else None
