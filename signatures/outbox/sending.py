"""Sends the emails in the outbox that are due, one by one, in the worker: the most important first.

An email is chosen in a short transaction, which counts it in the budgets and claims it. It is sent without one, over
one of several connections, and the result is saved in another. So no email is lost; when the worker dies in between, it
is due again after seconds, and may be sent twice.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from pathlib import Path

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from nacl.public import PrivateKey

from signatures.models import EmailSubject, OutboxHold, OutboxMail, RateLimit, Submission, Suppression
from signatures.outbox import attempts, caps, claims, holding, messages, queue, refusals, suppressions
from signatures.outbox.connections import Connections, Outgoing
from signatures.outbox.refusals import Failure, Fault
from signatures.registries import Flag
from signatures.screening import rate_limits
from signatures.values import email_addresses, sealing

log = logging.getLogger(__name__)

MAX_SKIPPED = 5_000  # emails that a run looks at and does not try to send
BUDGET_WAIT = timedelta(minutes=1)  # for an email whose domain got enough for now
LOOK_SECONDS = 0.5  # between two looks for more emails, while some are being sent
SAVE_TRIES, SAVE_PAUSE_SECONDS = 20, 0.5


class _Outcome(Enum):
    """What became of one email in a run."""

    SENT = auto()
    FAILED = auto()
    SKIPPED = auto()  # dropped, or held back


@dataclass(slots=True)
class _Run:
    """What all emails of one run share."""

    private_keys: Sequence[PrivateKey]
    subjects: Mapping[tuple[str, str], str]  # by the name of the email and language
    limit: int
    stop: threading.Event
    outcomes: Counter[_Outcome] = field(default_factory=Counter)

    def may_choose(self, connections: Connections) -> bool:
        tried = self.outcomes[_Outcome.SENT] + self.outcomes[_Outcome.FAILED] + len(connections.busy)
        is_over = self.stop.is_set() or tried >= self.limit or self.outcomes[_Outcome.SKIPPED] >= MAX_SKIPPED
        return connections.has_room and not is_over


def send_due(*, limit: int = 500, most_connections: int = 1, stop: threading.Event | None = None) -> int:
    """Sends the emails that are due. Returns the number of emails sent.

    Before each email the most important one is looked for anew (`OutboxMail.Priority`), so that an honest sign-up does
    not wait for a flood that was there before it. Emails to staff use no budget: an alarm that emails pile up must not
    wait behind them.

    Args:
        limit: the number of attempts in this run. Emails that are held back do not count.
        most_connections: how many emails may be sent at a time.
        stop: no other email is begun once it is set.

    Raises:
        OSError: when the file of the private keys cannot be read.
        ValueError: when it holds something else.
        OperationalError: when the database is away.
    """
    if not queue.due(*queue.sendable_priorities(), even_delayed=holding.current().is_held).exists():
        return 0
    private_keys = sealing.read_private_keys(Path(settings.OUTBOX_PRIVATE_KEY_FILE))
    subjects = {(row.mail, row.language): row.subject for row in EmailSubject.objects.all()}
    run = _Run(private_keys, subjects, limit, stop or threading.Event())
    connections = Connections(most_connections)
    try:
        while True:
            _fill(connections, run)
            if not connections.busy:
                return run.outcomes[_Outcome.SENT]
            if result := connections.result(seconds=LOOK_SECONDS):
                run.outcomes[_save_surely(*result)] += 1
    finally:
        connections.close()


def _fill(connections: Connections, run: _Run) -> None:
    """Hands emails to all connections that are free, as long as there are any that may be sent."""
    try:
        renew_at = 0.0  # monotonic seconds
        while run.may_choose(connections) and (chosen := _choose(run, connections.busy)):
            if isinstance(chosen, Outgoing):
                connections.send(chosen)
            else:
                run.outcomes[chosen] += 1
            if time.monotonic() >= renew_at:  # many may be held back, one after the other
                claims.renew(connections.busy)
                renew_at = time.monotonic() + LOOK_SECONDS
        claims.renew(connections.busy)
    except (OperationalError, InterfaceError):
        if not connections.busy:
            raise
        run.limit = 0  # first the results of what is being sent are saved


class _BudgetSpent(Exception):
    """The whole site may send no more emails for now."""


@transaction.atomic
def _choose(run: _Run, busy: Collection[int]) -> Outgoing | _Outcome | None:
    """Chooses the next email, but none that is being sent here.

    Returns what became of it if it is not to be sent; None if none may be sent for now.
    """
    hold = holding.current()
    mail = _lock_next(hold, busy) if holding.allows_attempt(hold) else None
    if mail is None:
        return None
    submission = None
    if mail.signature is None and mail.signature_id is not None:
        submission = Submission.objects.select_related("letter").filter(pk=mail.signature_id).first()
    if mail.staff_id is None and _is_pointless(mail, submission):
        return _drop(mail)
    if until := caps.held_until(mail, timezone.now()):  # before the costly steps: a flood can hold back many
        return _postpone(mail, until)
    return _open(mail, submission, hold, run)


def _lock_next(hold: OutboxHold, busy: Collection[int]) -> OutboxMail | None:
    priorities = queue.sendable_priorities()
    if hold.is_held:
        # As a probe goes the email that failed least, whatever its priority: one that never gets through proves
        # nothing, and would keep all others waiting.
        return _lock_first(priorities, busy, order=("faults", "priority", "due_at"), even_delayed=True)
    # Of those that a cap held back until the same moment, the newest: somebody waits for it now.
    found = (_lock_first([priority], busy, order=("due_at", "-queued_at")) for priority in priorities)
    return next(filter(None, found), None)


def _lock_first(
    priorities: Sequence[int], busy: Collection[int], *, order: Sequence[str], even_delayed: bool = False
) -> OutboxMail | None:
    due = queue.due(*priorities, even_delayed=even_delayed).exclude(pk__in=busy)
    rows = due.select_for_update(skip_locked=True, of=("self",)).select_related("signature__letter")
    return rows.order_by(*order).first()


def _open(mail: OutboxMail, submission: Submission | None, hold: OutboxHold, run: _Run) -> Outgoing | _Outcome | None:
    """Unseals the recipient, builds the message and claims the email. Returns as `_choose` does.

    A probe is taken last: an email that a budget holds back must not use it up.
    """
    try:
        address = sealing.unseal(mail.recipient or b"", private_keys=run.private_keys)
    except sealing.CannotUnseal:
        if may_try := holding.may_try(hold):
            attempts.save(mail, refusals.NO_KEY, is_probe=hold.is_held)
        return _Outcome.FAILED if may_try else None
    message = messages.build(mail, submission, address, run.subjects)
    if message is None:
        return _drop(mail)
    try:
        until = _budget_holds_until(mail, address)
    except _BudgetSpent:  # caught in this transaction, so that what was counted stays, for the alarm
        queue.record_budget_spent()
        log.info("the site's budget of emails is used up for now")
        return None
    if until:
        return _postpone(mail, until)
    if not holding.may_try(hold):
        return None
    claims.claim(mail)
    return Outgoing(mail, submission, address, message, is_probe=hold.is_held)


def _save_surely(outgoing: Outgoing, failure: Failure | None) -> _Outcome:
    """Saves a result, also while the database restarts: what is not saved is sent again."""
    for _ in range(SAVE_TRIES):
        try:
            return _save(outgoing, failure)
        except (OperationalError, InterfaceError):
            connection.close()
            time.sleep(SAVE_PAUSE_SECONDS)
    return _save(outgoing, failure)


@transaction.atomic
def _save(outgoing: Outgoing, failure: Failure | None) -> _Outcome:
    mail, submission = outgoing.mail, outgoing.submission
    if failure and failure.fault == Fault.FINAL:
        if queue.are_many_refused():  # then the email service may be wrong about this mailbox
            failure = replace(failure, fault=Fault.MAILBOX)
        elif mail.staff_id is None:
            suppressions.suppress_address(outgoing.address, Suppression.Reason.BOUNCE)
    if not attempts.save(mail, failure, is_probe=outgoing.is_probe):
        return _Outcome.FAILED
    if submission is not None and _deserves_reminder(mail, submission):
        queue.enqueue_reminder(submission.pk, mailbox=mail.mailbox, language=mail.language, address=outgoing.address)
    return _Outcome.SENT


def _is_pointless(mail: OutboxMail, submission: Submission | None) -> bool:
    """Returns whether nobody needs this email any more.

    That is: one to an address that is suppressed; one to confirm what is confirmed or deleted; a reminder about a
    flagged submission, within a day of another email, or when nobody can confirm any more; an update to somebody who
    unsubscribed; a question that is answered or decided.
    """
    person = submission or mail.signature
    if person is None or suppressions.stops(mail, person):
        return True
    match mail.kind:
        case OutboxMail.Kind.LINK | OutboxMail.Kind.REMINDER:
            return submission is None or _is_needless_reminder(mail, submission)
        case OutboxMail.Kind.LINKS:
            return False
        case OutboxMail.Kind.UPDATE:
            return mail.signature is None or mail.signature.sealed_address is None
    return mail.signature is None or Flag.ASKED not in mail.signature.flags


def _is_needless_reminder(mail: OutboxMail, submission: Submission) -> bool:
    if mail.kind != OutboxMail.Kind.REMINDER:
        return False
    recent = OutboxMail.objects.filter(mailbox=mail.mailbox, sent_at__gt=timezone.now() - timedelta(days=1))
    is_wanted = not submission.flags and not recent.exclude(mailbox="").exists()
    return not (is_wanted and submission.letter.takes_confirmations())


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
    """Saves that caps or budgets hold an email back: it is not stuck."""
    mail.due_at, mail.waiting_since = until, None
    mail.save(update_fields=["due_at", "waiting_since"])
    return _Outcome.SKIPPED
