"""Alarms: staff are warned once, in the audit log, in the log, at the top of admin and by email."""

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from campaign.runtime import shared_cache
from campaign.runtime.sql_files import load_sql
from signatures.audit import audit_log, checkpoints
from signatures.models import Alarm, OutboxMail, RateLimit, Signature, Submission
from signatures.monitoring import sign_up_trends
from signatures.monitoring.sign_up_trends import MIN_SIGN_UPS
from signatures.outbox import holding, queue
from signatures.registries import AlarmCode, AuditAction
from signatures.screening import rate_limits
from signatures.staff import roles

log = logging.getLogger(__name__)

SAME_OCCURRENCE = timedelta(hours=6)  # an alarm that comes back sooner is the same one: no second email
ACTIVE_FOR = timedelta(minutes=10)  # after a check; the checks are a minute apart
UNCHECKED_AFTER = timedelta(minutes=30)
BACKUP_AFTER = timedelta(hours=25)  # one a day, which may be an hour late

_RAISE = load_sql(__file__, "raise_alarm.sql")
_COUNT_DRIFT = load_sql(__file__, "count_drift.sql")


def check() -> list[AlarmCode]:
    """Raises the alarms that there is a reason for. Returns those that are new. The worker calls it every minute."""
    now = timezone.now()
    new = _raise(_reasons(now), now)
    # The worker's own alarm works the other way round: it becomes active when no check moves its time on.
    Alarm.objects.update_or_create(
        code=AlarmCode.WORKER,
        defaults={
            "until": now + ACTIVE_FOR,
            "seen_by": None,
            "sentence": "The worker does not run: no email is sent, and nothing else is checked.",
            "since": now + ACTIVE_FOR,
        },
    )
    return new


def check_mail() -> list[AlarmCode]:
    """Raises the alarms about emails that are not sent. Returns those that are new. They are due within a minute."""
    now = timezone.now()
    return _raise(_unsent(now), now)


def _raise(reasons: Iterable[tuple[AlarmCode, str]], now: datetime) -> list[AlarmCode]:
    return [code for code, sentence in reasons if raise_alarm(code, sentence, now + ACTIVE_FOR)]


@transaction.atomic
def raise_alarm(code: AlarmCode, sentence: str, until: datetime) -> bool:
    """Makes an alarm active until then. Returns whether it is new; only then staff, audit log and log hear of it.

    The sentence says what was found, with numbers. After `until` the alarm is over, unless it is raised again.
    """
    now = timezone.now()
    values: dict[str, Any] = {
        "code": code, "sentence": sentence, "now": now, "until": until, "over": now - SAME_OCCURRENCE,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_RAISE, values)
        is_new = bool(cursor.fetchone()[0])
    if is_new:
        audit_log.record(AuditAction.ALARM, reason=sentence, detail={"code": code})
        log.error("alarm %s: %s", code, sentence)
        queue.enqueue_for_staff(roles.alarm_recipients(), kind=OutboxMail.Kind.ALARM, topic=code)
    return is_new


def active(now: datetime) -> QuerySet[Alarm]:
    """Returns the active alarms, including those that somebody has marked as seen."""
    is_worker = Q(code=AlarmCode.WORKER)
    return Alarm.objects.filter(Q(until__gt=now) & ~is_worker | Q(until__lte=now) & is_worker)


@transaction.atomic
def mark_seen(code: str, *, by: int) -> bool:
    """Takes an alarm off the top of admin until its next occurrence. Returns whether it was there."""
    if not Alarm.objects.filter(code=code, seen_by__isnull=True).update(seen_by=by):
        return False
    audit_log.record(AuditAction.ALARM_SEEN, staff_id=by, detail={"code": code})
    return True


@transaction.atomic
def recount(*, by: int | None = None) -> int:
    """Counts every signature and compares with the count deltas. Returns the number of letters that differ.

    Staff can ask for it; None stands for the worker.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_DRIFT)
        differing = cursor.fetchall()
    now = timezone.now()
    audit_log.record(AuditAction.RECOUNT, staff_id=by, detail={"adrift": len(differing)})
    if differing:
        letters = ", ".join(f"letter {letter}: by {number}" for letter, number in differing[:10])
        sentence = f"The counts differ from the rows ({letters})."
        raise_alarm(AlarmCode.COUNT_DRIFT, sentence, now + timedelta(days=1, hours=1))
    else:
        Alarm.objects.filter(code=AlarmCode.COUNT_DRIFT, until__gt=now).update(until=now)
    return len(differing)


def _reasons(now: datetime) -> Iterator[tuple[AlarmCode, str]]:
    """Yields each alarm that there is a reason for, with what was found."""
    yield from _one_network()
    yield from _exceeded_mail_budgets()
    yield from _unconfirmed(now)
    yield from _unsent(now)
    if (since := checkpoints.unchecked_since()) and since <= now - UNCHECKED_AFTER:
        yield (
            AlarmCode.AUDIT_LOG_UNCHECKED,
            "Audit entries have had no checkpoint for half an hour, though a worker runs.",
        )
    yield from _no_backup(now)
    if not shared_cache.keeps():
        yield AlarmCode.CACHE, "The cache of CACHE_URL does not give back what it was given."
    yield from sign_up_trends.rise(now)
    yield from sign_up_trends.domain_and_network(now)


def _no_backup(now: datetime) -> Iterator[tuple[AlarmCode, str]]:
    if last := audit_log.newest(AuditAction.BACKUP):
        if last <= now - BACKUP_AFTER:
            yield AlarmCode.BACKUP, f"The last backup is of {last:%Y-%m-%d %H:%M} UTC."
    # Nobody backs up a site on their own machine.
    elif not settings.LOCAL_MODE and Signature.objects.filter(signed_up_at__lte=now - BACKUP_AFTER).exists():
        yield AlarmCode.BACKUP, "There never was a backup, and people have signed."


def _one_network() -> Iterator[tuple[AlarmCode, str]]:
    busiest, total = rate_limits.busiest_network()
    if total >= MIN_SIGN_UPS and busiest * 2 > total:
        words = f"One network made {busiest} of {total} sign-ups. If that is your own proxy, set TRUSTED_PROXIES."
        yield AlarmCode.ONE_NETWORK, words


def _exceeded_mail_budgets() -> Iterator[tuple[AlarmCode, str]]:
    for limit in (RateLimit.Scope.MAIL, RateLimit.Scope.MAIL_DOMAIN):
        if rate_limits.is_exceeded(limit):
            yield AlarmCode(limit), "More emails are due than the limits allow. They are sent later."


def _unsent(now: datetime) -> Iterator[tuple[AlarmCode, str]]:
    if stuck := queue.stuck(now).count():
        yield AlarmCode.MAIL_STUCK, f"{stuck} emails have been due for more than half an hour."
    if queue.are_many_refused():
        number, tried = queue.refused(now)
        yield AlarmCode.MAIL_REFUSED, f"The email service refused {number} of the {tried} emails of the last hour."
    if (hold := holding.current()).is_held:
        yield AlarmCode.MAIL_HELD, f"The email service failed {hold.failures} times in a row ({hold.fault})."


def _unconfirmed(now: datetime) -> Iterator[tuple[AlarmCode, str]]:
    # Most people confirm within an hour, so the last hour does not count.
    day_ago, hour_ago = now - timedelta(hours=25), now - timedelta(hours=1)
    in_that_day = {"signed_up_at__gt": day_ago, "signed_up_at__lte": hour_ago}
    unconfirmed = Submission.objects.filter(**in_that_day).count()
    total = unconfirmed + Signature.objects.filter(**in_that_day).count()
    if total >= MIN_SIGN_UPS and unconfirmed * 5 > total * 4:  # more than four in five
        share = f"{unconfirmed} of the {total} sign-ups of a day are unconfirmed"
        yield AlarmCode.UNCONFIRMED, f"{share}: emails do not arrive, or somebody types the addresses of other people."
