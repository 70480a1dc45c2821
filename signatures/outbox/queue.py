"""The queue of the outbox: emails are enqueued in the transaction that causes them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from campaign.runtime.sql_files import load_sql
from signatures.models import OutboxHold, OutboxMail, Signature, Switch
from signatures.outbox import claims
from signatures.outbox.refusals import Fault
from signatures.states import Kind
from signatures.values import sealing

REMIND_AFTER = timedelta(days=2)  # after the email with the link, if the submission is not confirmed
STUCK_AFTER = timedelta(minutes=30)
BUDGET_NOTED = timedelta(seconds=30)  # between two notes that the budget of the site is spent
# One wrong address among few emails says nothing about the email service.
REFUSED_WITHIN, REFUSED_SHARE, MIN_TRIED, MIN_REFUSED = timedelta(hours=1), 0.05, 10, 3
# To one member of staff. Somebody who types their name again and again does not fill their mailbox.
MAX_PER_HOUR_TO_STAFF = {
    OutboxMail.Kind.INVITE: 3,
    OutboxMail.Kind.RESET: 3,
    OutboxMail.Kind.ALARM: 6,
    OutboxMail.Kind.FACTOR_RESET: 3,
}

_ENQUEUE_LINKS = load_sql(__file__, "enqueue_links.sql")
_ENQUEUE_UPDATES = load_sql(__file__, "enqueue_updates.sql")
_ENQUEUE_FOR_STAFF = load_sql(__file__, "enqueue_for_staff.sql")


def enqueue_links(letter_id: int, *, address_hash: bytes, mailbox: str, language: str, address: str) -> int:
    """Enqueues one email with all links of an address under a letter, if there are any and none is enqueued yet.

    The same statement runs and one recipient is sealed in every case, so that the time does not tell whether there are
    any (architecture, rule 4). The caps apply when it is sent (`caps`): it may have to wait, for a day at most.

    Links to what is not confirmed go as the emails do that ask to confirm it: strangers can ask for them, too.

    Returns the number of emails enqueued.
    """
    return _execute(
        _ENQUEUE_LINKS,
        letter_id=letter_id,
        kinds=Kind.values,
        address_hash=address_hash,
        mailbox=mailbox,
        asked=OutboxMail.Priority.ASKED,
        sign_up=OutboxMail.Priority.SIGN_UP,
        flagged=OutboxMail.Priority.FLAGGED,
        language=language,
        recipient=seal_recipient(address),
        now=timezone.now(),
    )


def enqueue_question(signature: Signature, *, address: str) -> None:
    """Enqueues the email to a signer whom staff asked something."""
    kind, priority = OutboxMail.Kind.QUESTION, OutboxMail.Priority.ASKED
    _enqueue(signature.pk, kind, priority, language=signature.email_language, address=address)


def enqueue_reminder(submission_id: int, *, mailbox: str, language: str, address: str) -> None:
    """Enqueues the email that asks once more to confirm a submission, `REMIND_AFTER` from now."""
    kind, priority = OutboxMail.Kind.REMINDER, OutboxMail.Priority.REMINDER
    _enqueue(submission_id, kind, priority, language=language, address=address, mailbox=mailbox, after=REMIND_AFTER)


def _enqueue(
    number: int,
    kind: OutboxMail.Kind,
    priority: OutboxMail.Priority,
    *,
    language: str,
    address: str,
    mailbox: str = "",
    after: timedelta = timedelta(0),
) -> None:
    now = timezone.now()
    OutboxMail.objects.create(
        signature_id=number, kind=kind, priority=priority, mailbox=mailbox, language=language,
        recipient=seal_recipient(address), queued_at=now, due_at=now + after,
    )  # fmt: skip


def enqueue_updates(addresses: Mapping[int, str], *, topic: str) -> int:
    """Enqueues an email about a topic for each signature, once. Returns the number of emails enqueued.

    The caller holds the lock on the rows of the signatures.

    Args:
        addresses: the email addresses, by the id of the signature. The outbox seals them again, to its own key.
        topic: what the email is about (see `topics`).
    """
    return _execute(
        _ENQUEUE_UPDATES,
        ids=list(addresses),
        recipients=[seal_recipient(address) for address in addresses.values()],
        topic=topic,
        priority=OutboxMail.Priority.UPDATE,
        now=timezone.now(),
    )


def enqueue_for_staff(staff_ids: Sequence[int], *, kind: OutboxMail.Kind, topic: str = "") -> int:
    """Enqueues an email to members of staff. Returns the number of emails enqueued.

    An account that is not active, has no address or got enough in this hour gets none. The same two statements run and
    one recipient is sealed even if nobody is found, so that a page where anybody can ask takes the same time for
    everybody (threat model A13).

    Args:
        staff_ids: the ids of the accounts; ids that do not exist are ignored.
        kind: `INVITE` and `RESET` hold a link that is made when the email is sent; the others lead to admin.
        topic: the code of an alarm.
    """
    found = User.objects.filter(pk__in=staff_ids, is_active=True).exclude(email="").values_list("pk", "email")
    addresses = dict(found) or {0: ""}
    return _execute(
        _ENQUEUE_FOR_STAFF,
        ids=list(addresses),
        recipients=[seal_recipient(address) for address in addresses.values()],
        kind=kind,
        priority=OutboxMail.Priority.STAFF,
        topic=topic,
        language=settings.LANGUAGE_CODE,
        now=timezone.now(),
        max_per_hour=MAX_PER_HOUR_TO_STAFF[kind],
    )


def sendable_priorities() -> list[int]:
    """Returns the priorities that are sent now: all, unless staff have paused the emails to flagged sign-ups."""
    is_paused = Switch.objects.is_on(Switch.Code.PAUSE_FLAGGED_MAIL)
    return [priority for priority in OutboxMail.Priority if not (is_paused and priority == OutboxMail.Priority.FLAGGED)]


def due(*priorities: int, even_delayed: bool = False) -> QuerySet[OutboxMail]:
    """Returns the emails that are due; with `even_delayed` also those that wait since the email service failed."""
    when = Q(due_at__lte=timezone.now())
    if even_delayed:
        when |= Q(faults__gt=0)
    return OutboxMail.objects.filter(when, claims.unclaimed(), priority__in=priorities, recipient__isnull=False)


def restart_waiting(priority: OutboxMail.Priority) -> None:
    """Counts the age of the emails of a priority from now on: they could not be sent before."""
    now = timezone.now()
    OutboxMail.objects.filter(recipient__isnull=False, priority=priority, due_at__lte=now).update(waiting_since=now)


def record_budget_spent() -> None:
    """Stores that the site may send no more for now, except to staff. Emails that wait for this are not stuck."""
    now = timezone.now()
    row, _is_new = OutboxHold.objects.get_or_create(pk=OutboxHold.ROW)
    if row.budget_spent_at is None or row.budget_spent_at < now - BUDGET_NOTED:  # a full outbox asks every second
        OutboxHold.objects.filter(pk=row.pk).update(budget_spent_at=now)


def stuck(now: datetime) -> QuerySet[OutboxMail]:
    """Returns the emails that could have been sent for half an hour, however often that was tried meanwhile.

    Those that staff paused, or that caps and budgets hold back, are not among them. Neither are those whose mailbox
    takes nothing for now, as long as others get out.
    """
    since = Q(waiting_since__lte=now - STUCK_AFTER) | Q(waiting_since=None, due_at__lte=now - STUCK_AFTER)
    unsent = OutboxMail.objects.filter(since, recipient__isnull=False, priority__in=sendable_priorities())
    if OutboxHold.objects.filter(budget_spent_at__gt=now - STUCK_AFTER).exists():
        # What was not tried waits for the budget, apart from emails to staff. What was tried and failed does not.
        unsent = unsent.exclude(~Q(priority=OutboxMail.Priority.STAFF), failure="")
    return unsent.exclude(failure__startswith=Fault.MAILBOX) if _was_one_sent(now) else unsent


def is_moving() -> bool:
    """Returns whether emails get out: none is stuck, or another one was sent in the last half hour.

    It is a check of `/readyz`. One email that the email service refuses by its rules does not make the site unready.
    """
    now = timezone.now()
    return _was_one_sent(now) or not stuck(now).exists()


def refused(now: datetime) -> tuple[int, int]:
    """Returns how many emails the email service refused for good in the last hour, and of how many that were tried.

    Each counts when it is refused first, so that those that are tried again and again do not look like many.
    """
    was_refused = Q(refused_at__gt=now - REFUSED_WITHIN)
    tried = OutboxMail.objects.filter(was_refused | Q(sent_at__gt=now - REFUSED_WITHIN))
    found = tried.aggregate(refused=Count("pk", filter=was_refused), all=Count("pk"))
    return found["refused"], found["all"]


def are_many_refused() -> bool:
    """Returns whether so many emails are refused that the email service may be at fault, and not the mailboxes."""
    number, tried = refused(timezone.now())
    return tried >= MIN_TRIED and number >= MIN_REFUSED and number > tried * REFUSED_SHARE


def _was_one_sent(now: datetime) -> bool:
    return OutboxMail.objects.filter(sent_at__gt=now - STUCK_AFTER).exists()


def discard(number: int) -> None:
    """Deletes the emails about this signature, or submission, that have not been sent."""
    OutboxMail.objects.filter(signature_id=number, recipient__isnull=False).delete()


def discard_question(number: int) -> None:
    """Deletes the email about a question of staff to this signature, if it was not sent."""
    kind = OutboxMail.Kind.QUESTION
    OutboxMail.objects.filter(signature_id=number, kind=kind, recipient__isnull=False).delete()


def discard_confirmations(number: int) -> None:
    """Deletes the emails that ask to confirm a submission which is deleted. Sent ones count for the caps on emails."""
    kinds = [OutboxMail.Kind.LINK, OutboxMail.Kind.REMINDER]
    OutboxMail.objects.filter(signature_id=number, kind__in=kinds, recipient__isnull=False).delete()


def move_links(number: int, heir: int | None) -> None:
    """Moves an email with the links of an address, which is not sent yet, to another number; None deletes it."""
    waiting = OutboxMail.objects.filter(signature_id=number, kind=OutboxMail.Kind.LINKS, recipient__isnull=False)
    if heir is None:
        waiting.delete()
    else:
        waiting.update(signature_id=heir)


def seal_recipient(address: str) -> bytes:
    """Returns an address as the outbox keeps it: only the key of the worker opens it (threat model R1)."""
    return sealing.seal(address, public_key=settings.OUTBOX_PUBLIC_KEY)


def _execute(statement: str, **values: Any) -> int:
    """Returns the number of rows that the statement inserted."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
