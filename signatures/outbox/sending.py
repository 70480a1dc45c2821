"""Sends the emails in the outbox that are due, one by one, in the worker: the most important first.

Several senders may run at a time, each over a connection of its own. An email is sent in two transactions. The first
chooses it and counts it in the budgets; it is short, so that no sender waits for another one's email service. The
second holds a lock on it until the result is saved. So no email is lost; when the worker dies in between, it is due
again after seconds, and may be sent twice.
"""

import logging
import smtplib
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, mailers
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from nacl.public import PrivateKey

from signatures.models import EmailSubject, OutboxHold, OutboxMail, RateLimit, Submission, Suppression
from signatures.outbox import caps, holding, messages, queue, refusals
from signatures.outbox.refusals import Failure, Fault
from signatures.screening import rate_limits
from signatures.values import email_addresses, sealing

log = logging.getLogger(__name__)

# An email whose mailbox takes nothing for now is given up after both.
MAX_ATTEMPTS, LIFE = 12, timedelta(days=5)
MAX_WAIT = timedelta(hours=12)  # between two attempts of these
MAX_FAULT_WAIT = timedelta(minutes=15)  # between two attempts that failed for another reason
PROBE_WAIT = timedelta(minutes=1)  # until an email that was a probe is due again
MAX_SKIPPED = 5_000  # emails that a run looks at and does not try to send
BUDGET_WAIT = timedelta(minutes=1)  # for an email whose domain got enough for now
CLAIM = timedelta(seconds=5)  # how long a chosen email waits for its sender; usually less than a millisecond


@dataclass(frozen=True, slots=True)
class _Run:
    """What all emails of one run share."""

    connection: BaseEmailBackend
    private_keys: Sequence[PrivateKey]
    subjects: Mapping[tuple[str, str], str]  # by the name of the email and language


def send_due(*, limit: int = 500, stop: threading.Event | None = None) -> int:
    """Sends the emails that are due over one connection. Returns the number of emails sent.

    Before each email the most important one is looked for anew (`OutboxMail.Priority`), so that an honest sign-up does
    not wait for a flood that was there before it. Emails to staff use no budget: an alarm that emails pile up must not
    wait behind them.

    Args:
        limit: the number of attempts in this run. Emails that are held back do not count.
        stop: ends the run after the email that is being sent.

    Raises:
        OSError: when the file of the private keys cannot be read.
        ValueError: when it holds something else.
    """
    priorities, stop = queue.sendable_priorities(), stop or threading.Event()
    if not queue.due(*priorities, even_delayed=holding.current().is_held).exists():
        return 0
    private_keys = sealing.read_private_keys(Path(settings.OUTBOX_PRIVATE_KEY_FILE))
    subjects = {(row.mail, row.language): row.subject for row in EmailSubject.objects.all()}
    outcomes: Counter[_Outcome] = Counter()
    connection = mailers.create_connection("default")
    try:
        run = _Run(connection, private_keys, subjects)
        while outcomes[_Outcome.SENT] + outcomes[_Outcome.FAILED] < limit and outcomes[_Outcome.SKIPPED] < MAX_SKIPPED:
            chosen = None if stop.is_set() else _choose(priorities, run)
            if chosen is None:
                break
            outcomes[chosen if isinstance(chosen, _Outcome) else _send(chosen, run)] += 1
    finally:
        connection.close()
    return outcomes[_Outcome.SENT]


class _BudgetSpent(Exception):
    """The whole site may send no more emails for now."""


class _Outcome(Enum):
    """What became of one email in a run."""

    SENT = auto()
    FAILED = auto()
    SKIPPED = auto()  # dropped, or held back


@dataclass(frozen=True, slots=True)
class _Chosen:
    """An email that may be sent now, and is counted in the budgets."""

    mail: OutboxMail
    submission: Submission | None
    address: str
    message: EmailMultiAlternatives
    is_probe: bool


@transaction.atomic
def _choose(priorities: Sequence[int], run: _Run) -> _Chosen | _Outcome | None:
    """Chooses the next email. Returns what became of it if it is not to be sent; None if none may be sent for now."""
    hold = holding.current()
    if hold.is_held and hold.probe_at and hold.probe_at > timezone.now():
        return None
    mail = _lock_next(priorities, even_delayed=hold.is_held)
    if mail is None:
        return None
    submission = None
    if mail.signature is None and mail.signature_id is not None:
        submission = Submission.objects.filter(pk=mail.signature_id).first()
    if mail.staff_id is None and _is_pointless(mail, submission):
        return _drop(mail)
    if until := caps.held_until(mail, timezone.now()):  # before the costly steps: a flood can hold back many
        return _postpone(mail, until)
    return _open(mail, submission, hold, run)


def _open(mail: OutboxMail, submission: Submission | None, hold: OutboxHold, run: _Run) -> _Chosen | _Outcome | None:
    """Unseals the recipient and builds the message. Returns as `_choose` does."""
    try:
        address = sealing.unseal(mail.recipient or b"", private_keys=run.private_keys)
    except sealing.CannotUnseal:
        return _save_unopened(mail)
    message = messages.build(mail, submission, address, run.subjects)
    if message is None:
        return _drop(mail)
    if hold.is_held and not holding.take_probe(hold):
        return None
    return _claim(_Chosen(mail, submission, address, message, hold.is_held))


def _claim(chosen: _Chosen) -> _Chosen | _Outcome | None:
    """Counts a chosen email in the budgets. Returns what became of it if they hold it back; None if all are used up."""
    mail = chosen.mail
    try:
        until = _budget_holds_until(mail, chosen.address)
    except _BudgetSpent:  # caught in this transaction, so that what was counted stays, for the alarm
        log.info("the site's budget of emails is used up for now")
        return None
    if until:
        return _postpone(mail, until)
    mail.waiting_since = mail.waiting_since or mail.due_at
    mail.due_at = timezone.now() + CLAIM
    mail.save(update_fields=["waiting_since", "due_at"])
    return chosen


@transaction.atomic
def _send(chosen: _Chosen, run: _Run) -> _Outcome:
    """Sends a chosen email, unless it was deleted meanwhile."""
    rows = OutboxMail.objects.filter(pk=chosen.mail.pk, due_at=chosen.mail.due_at, recipient__isnull=False)
    mail, submission = _locked(rows).first(), chosen.submission
    if mail is None:
        return _Outcome.SKIPPED
    # Once more, and until the result is saved: another sender may send to this mailbox since it was chosen.
    if until := caps.held_until(mail, timezone.now()):
        return _postpone(mail, until)
    outcome = _save_attempt(mail, _attempt(chosen.message, chosen.address, run.connection), is_probe=chosen.is_probe)
    if outcome == _Outcome.SENT and submission is not None and _deserves_reminder(mail, submission):
        queue.enqueue_reminder(submission.pk, mailbox=mail.mailbox, language=mail.language, address=chosen.address)
    return outcome


def _lock_next(priorities: Sequence[int], *, even_delayed: bool) -> OutboxMail | None:
    for priority in priorities:
        if mail := _locked(queue.due(priority, even_delayed=even_delayed)).order_by("due_at").first():
            return mail
    return None


def _locked(rows: QuerySet[OutboxMail]) -> QuerySet[OutboxMail]:
    return rows.select_for_update(skip_locked=True, of=("self",)).select_related("signature")


def _is_pointless(mail: OutboxMail, submission: Submission | None) -> bool:
    """Returns whether nobody needs this email any more.

    That is: one to confirm what is confirmed or deleted, or to somebody who said "this was not me"; a reminder about a
    flagged submission, or within a day of another email; an update to somebody who unsubscribed.
    """
    match mail.kind:
        case OutboxMail.Kind.LINK | OutboxMail.Kind.REMINDER:
            return submission is None or _is_suppressed(submission) or _is_needless_reminder(mail, submission)
        case OutboxMail.Kind.LINKS:
            return mail.signature is None and (submission is None or _is_suppressed(submission))
        case OutboxMail.Kind.UPDATE:
            return mail.signature is None or mail.signature.sealed_address is None
    return mail.signature is None


def _is_suppressed(submission: Submission) -> bool:
    return Suppression.objects.filter(address_hash=submission.address_hash, until__gt=timezone.now()).exists()


def _is_needless_reminder(mail: OutboxMail, submission: Submission) -> bool:
    if mail.kind != OutboxMail.Kind.REMINDER:
        return False
    recent = OutboxMail.objects.filter(mailbox=mail.mailbox, sent_at__gt=timezone.now() - timedelta(days=1))
    return bool(submission.flags) or recent.exclude(mailbox="").exists()


def _deserves_reminder(mail: OutboxMail, submission: Submission) -> bool:
    reminders = OutboxMail.objects.filter(signature_id=submission.pk, kind=OutboxMail.Kind.REMINDER)
    return mail.kind == OutboxMail.Kind.LINK and not submission.flags and not reminders.exists()


def _budget_holds_until(mail: OutboxMail, address: str) -> datetime | None:
    """Returns until when the budgets hold an email back; None: not at all.

    Emails that can wait leave a part of each budget to the others, whatever the flood is like.

    Raises:
        _BudgetSpent: when the site's budget is used up.
    """
    if mail.staff_id is not None:
        return None
    until = timezone.now() + BUDGET_WAIT
    domain = email_addresses.domain_of(address)
    # Counted apart, so that what is held back here uses up nothing below.
    can_wait = mail.priority >= OutboxMail.Priority.FLAGGED
    if can_wait and rate_limits.count_event({"mail-flagged": "", "mail-flagged-domain": domain}).over:
        return until
    budgets = {"mail": "", "mail-domain": domain}
    if small_domain := email_addresses.small_domain_of(address):
        budgets["mail-small"] = small_domain
    exceeded = rate_limits.count_event(budgets).over
    if RateLimit.Scope.MAIL in exceeded:
        raise _BudgetSpent
    return until if exceeded else None


def _drop(mail: OutboxMail) -> _Outcome:
    mail.delete()
    return _Outcome.SKIPPED


def _postpone(mail: OutboxMail, until: datetime) -> _Outcome:
    """Saves that caps or budgets hold an email back: it does not wait for the email service, and is not stuck."""
    mail.due_at, mail.waiting_since = until, None
    mail.save(update_fields=["due_at", "waiting_since"])
    return _Outcome.SKIPPED


def _save_unopened(mail: OutboxMail) -> _Outcome:
    """Saves that no key opens the recipient. The email is kept until the worker has the key."""
    mail.waiting_since = mail.waiting_since or mail.due_at
    mail.due_at, mail.failure = timezone.now() + MAX_FAULT_WAIT, str(refusals.NO_KEY)
    mail.save(update_fields=["waiting_since", "due_at", "failure"])
    return _Outcome.SKIPPED


def _attempt(message: EmailMultiAlternatives, address: str, connection: BaseEmailBackend) -> Failure | None:
    """Sends the message. Returns what went wrong, or None.

    No exception leaves this function, because its text can hold the address.
    """
    if not refusals.can_be_addressed(address):
        return refusals.NO_ADDRESS
    try:
        connection.open()  # stays open for the next email
        connection.send_messages([message])
    except (OSError, ValueError, smtplib.SMTPException) as error:
        failure = refusals.failure_of(error)
        if failure.fault == Fault.SERVICE:
            connection.close()
        return failure
    return None


def _save_attempt(mail: OutboxMail, failure: Failure | None, *, is_probe: bool) -> _Outcome:
    """Saves the result of an attempt."""
    now = timezone.now()
    mail.failure = str(failure or "")
    if failure and failure.fault == Fault.SERVICE:
        holding.record_failure(mail.failure, is_probe=is_probe)
        mail.faults += not is_probe
        mail.due_at = now + (PROBE_WAIT if is_probe else _wait(mail.faults, MAX_FAULT_WAIT))
    else:
        holding.record_answer()
        mail.attempts += 1
        mail.due_at = now + _wait(mail.attempts, MAX_WAIT)
        mail.sent_at = None if failure else now
        if not failure or failure.fault == Fault.FINAL or _is_used_up(mail, now):
            mail.recipient = None
    mail.save(update_fields=["attempts", "faults", "failure", "sent_at", "recipient", "due_at"])
    if failure:
        log.warning("mail %s not sent: %s", mail.pk, failure)
    return _Outcome.FAILED if failure else _Outcome.SENT


def _wait(failures: int, longest: timedelta) -> timedelta:
    return min(timedelta(minutes=2 ** min(failures - 1, 20)), longest)


def _is_used_up(mail: OutboxMail, now: datetime) -> bool:
    return mail.attempts >= MAX_ATTEMPTS and mail.queued_at <= now - LIFE
