"""Sends the emails in the outbox that are due, one by one, in the worker: the most important first."""

import logging
import smtplib
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

from signatures.models import EmailSubject, OutboxMail, RateLimit, Submission, Suppression, Switch
from signatures.outbox import caps, messages, queue
from signatures.screening import rate_limits
from signatures.values import email_addresses, sealing

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 12  # with the waits between them, about three days
MAX_WAIT = timedelta(hours=12)  # between two attempts
MAX_SKIPPED = 5_000  # emails that a run looks at and does not try to send
BUDGET_WAIT = timedelta(minutes=1)  # for an email whose domain got enough for now


@dataclass(frozen=True, slots=True)
class _Run:
    """What all emails of one run share."""

    connection: BaseEmailBackend
    private_key: PrivateKey
    subjects: Mapping[tuple[str, str], str]  # by the name of the email and language


def send_due(*, limit: int = 500) -> int:
    """Sends the emails that are due over one connection. Returns the number of emails sent.

    Before each email the most important one is looked for anew (`OutboxMail.Priority`), so that an honest sign-up does
    not wait for a flood that was there before it. Emails to staff use no budget: an alarm that emails pile up must not
    wait behind them. Each email is locked, sent and saved in a transaction of its own. So no email is lost, and when
    the worker dies in between, one is sent twice.

    Args:
        limit: the number of attempts in this run. Emails that are held back do not count.

    Raises:
        OSError: when the file of the private key cannot be read.
    """
    priorities = priorities_now()
    if not _due(*priorities).exists():
        return 0
    private_key = sealing.read_private_key(Path(settings.OUTBOX_PRIVATE_KEY_FILE))
    subjects = {(row.mail, row.language): row.subject for row in EmailSubject.objects.all()}
    outcomes: Counter[_Outcome] = Counter()
    connection = mailers.create_connection("default")
    try:
        run = _Run(connection, private_key, subjects)
        while outcomes[_Outcome.SENT] + outcomes[_Outcome.FAILED] < limit and outcomes[_Outcome.SKIPPED] < MAX_SKIPPED:
            outcome = _send_next(priorities, run)
            if outcome is None:
                break
            outcomes[outcome] += 1
    finally:
        connection.close()
    return outcomes[_Outcome.SENT]


def priorities_now() -> list[int]:
    """Returns the priorities that are sent now: all, unless staff have paused the emails to flagged sign-ups."""
    is_paused = Switch.objects.is_on(Switch.Code.PAUSE_FLAGGED_MAIL)
    return [priority for priority in OutboxMail.Priority if not (is_paused and priority == OutboxMail.Priority.FLAGGED)]


def _due(*priorities: int) -> QuerySet[OutboxMail]:
    return OutboxMail.objects.filter(priority__in=priorities, recipient__isnull=False, due_at__lte=timezone.now())


class _BudgetSpent(Exception):
    """The whole site may send no more emails for now."""


class _Outcome(Enum):
    """What became of one email in a run."""

    SENT = auto()
    FAILED = auto()
    SKIPPED = auto()  # dropped, or held back


@transaction.atomic
def _send_next(priorities: Sequence[int], run: _Run) -> _Outcome | None:
    """Sends one email. Returns None if none is due, or none may be sent any more for now."""
    mail = _lock_next(priorities)
    if mail is None:
        return None
    submission = None
    if mail.signature is None and mail.signature_id is not None:
        submission = Submission.objects.filter(pk=mail.signature_id).first()
    if mail.staff_id is None and _is_pointless(mail, submission):
        return _drop(mail)
    if until := caps.held_until(mail, timezone.now()):  # before the costly steps: a flood can hold back many
        return _postpone(mail, until)
    return _send(mail, submission, run)


def _send(mail: OutboxMail, submission: Submission | None, run: _Run) -> _Outcome | None:
    """Sends an email that the caps allow. Returns None if the site may send no more for now."""
    try:
        address = sealing.unseal(mail.recipient or b"", private_key=run.private_key)
    except sealing.CannotUnseal:
        return _save_attempt(mail, "final: sealed to another key")
    message = messages.build(mail, submission, address, run.subjects)
    if message is None:
        return _drop(mail)
    try:
        until = _budget_holds_until(mail, address)
    except _BudgetSpent:  # caught in this transaction, so that what was counted stays, for the alarm
        log.info("the site's budget of emails is used up for now")
        return None
    if until:
        return _postpone(mail, until)
    outcome = _save_attempt(mail, _attempt(message, run.connection))
    if outcome == _Outcome.SENT and submission is not None and _deserves_reminder(mail, submission):
        queue.enqueue_reminder(submission.pk, mailbox=mail.mailbox, language=mail.language, address=address)
    return outcome


def _lock_next(priorities: Sequence[int]) -> OutboxMail | None:
    for priority in priorities:
        rows = _due(priority).select_for_update(skip_locked=True, of=("self",)).select_related("signature")
        if mail := rows.order_by("due_at").first():
            return mail
    return None


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
    mail.due_at = until
    mail.save(update_fields=["due_at"])
    return _Outcome.SKIPPED


def _attempt(message: EmailMultiAlternatives, connection: BaseEmailBackend) -> str:
    """Sends the message. Returns a code for what went wrong, or an empty string.

    No exception leaves this function, because its text can hold the address. A code that begins with "final" is not
    tried again.
    """
    try:
        connection.open()  # stays open for the next email
        connection.send_messages([message])
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _text in error.recipients.values()]
        if 421 in codes:
            connection.close()  # smtplib has closed its side
        return f"final: {codes[0]}" if codes and codes[0] >= 500 else f"refused: {codes[:1]}"
    except smtplib.SMTPResponseException as error:
        connection.close()
        is_final = isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500
        return f"{'final' if is_final else 'refused'}: {error.smtp_code}"
    except ValueError as error:  # an address that no header can hold
        return f"final: {type(error).__name__}"
    except (OSError, smtplib.SMTPException) as error:
        connection.close()
        return f"unreachable: {type(error).__name__}"
    return ""


def _save_attempt(mail: OutboxMail, failure: str) -> _Outcome:
    """Saves the result of an attempt."""
    mail.attempts += 1
    mail.failure = failure
    if not failure:
        mail.sent_at, mail.recipient = timezone.now(), None
    elif failure.startswith("final") or mail.attempts >= MAX_ATTEMPTS:
        mail.recipient = None
    else:
        mail.due_at = timezone.now() + min(timedelta(minutes=2 ** (mail.attempts - 1)), MAX_WAIT)
    mail.save(update_fields=["attempts", "failure", "sent_at", "recipient", "due_at"])
    if failure:
        log.warning("mail %s not sent, attempt %s: %s", mail.pk, mail.attempts, failure)
    return _Outcome.FAILED if failure else _Outcome.SENT
