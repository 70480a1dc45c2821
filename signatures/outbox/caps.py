"""Caps on emails to one mailbox about one letter (threat model S20). What they hold back waits, and is sent later.

They are applied when an email is sent, so that the page that queues it does the same for every address. Sign-ups and
links that were asked for have caps of their own: typing somebody's address never uses up the way to their signature.
"""

from datetime import datetime, timedelta
from typing import Any

from campaign.runtime.locks import AdvisoryLock, transaction_lock
from signatures.models import OutboxMail

MIN_INTERVAL, DAY, WEEK = timedelta(minutes=10), timedelta(days=1), timedelta(days=7)
MAX_PER_DAY, MAX_PER_WEEK = 3, 5
BUSY = timedelta(seconds=5)  # until an email to a mailbox is tried again to which another sender sends just now
# How many emails of a kind may be sent in how long. Links to what was signed have no cap of a week: their owner gets
# them within a day, whatever strangers ask for.
CAPS = {
    OutboxMail.Kind.LINK: ((MIN_INTERVAL, 1), (DAY, MAX_PER_DAY), (WEEK, MAX_PER_WEEK)),
    OutboxMail.Kind.LINKS: ((MIN_INTERVAL, 1), (DAY, MAX_PER_DAY)),
}


def held_until(mail: OutboxMail, now: datetime) -> datetime | None:
    """Returns when the caps allow to send this email, or None if they allow it now.

    Holds a lock on the mailbox until the transaction ends, in which the caller claims the email. So two senders do not
    both find that one more is allowed.
    """
    caps = CAPS.get(OutboxMail.Kind(mail.kind))
    if caps is None or not mail.mailbox:
        return None
    if not transaction_lock(AdvisoryLock.SEND_TO_MAILBOX, int(mail.mailbox[:7], 16), wait=False):
        return now + BUSY
    longest, most = caps[-1]
    # Links to a signature are counted by the signature: nobody else can use them up by other spellings of the address.
    of_mailbox = {"mailbox": mail.mailbox} if mail.signature is None else {"signature_id": mail.signature_id}
    same = OutboxMail.objects.filter(**of_mailbox, kind=mail.kind)
    if same.filter(claimed_until__gt=now).exists():
        return now + BUSY
    sent = same.filter(sent_at__gt=now - longest)
    recent: list[Any] = list(sent.order_by("-sent_at").values_list("sent_at", flat=True)[:most])
    waits = [recent[number - 1] + span for span, number in caps if len(recent) >= number]
    return max((until for until in waits if until > now), default=None)
