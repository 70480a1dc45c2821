"""What the people who run the site should be told: alarms, in the trail, in the log, on top of admin and by mail."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from signatures import counts
from signatures.audit import audit_log, checkpoints
from signatures.models import Alarm, AuditEntry, HourlyStatistic, OutboxMail, RateLimit, Signature
from signatures.outbox import queue
from signatures.registries import AlarmCode, AuditAction
from signatures.screening import rate_limits
from signatures.staff import roles
from signatures.states import State

log = logging.getLogger(__name__)

SAME_OCCURRENCE = timedelta(hours=6)  # what comes back sooner is the same occurrence, and nobody is told twice
ACTIVE_FOR = timedelta(minutes=10)  # a look comes every minute
MIN_SIGN_UPS = 200  # sign-ups, below which a share means nothing
STUCK_AFTER = timedelta(minutes=30)
RISE, ROUGHLY = 4, 10  # so many times an ordinary hour; and what a quiet night may add to it
WEEK = 7
RECENT = timedelta(hours=3)
SAMPLE = 20_000  # sign-ups of before, enough to know a share
TREND, PART = 50, 0.05  # at least so many sign-ups, and this part of the recent ones
MORE = 10  # times the part it had before
DAILY = timedelta(hours=23)

# One statement: a second worker that finds the same tells nobody again. `since` is ours only when it is new.
_RAISE = """
    INSERT INTO signatures_alarm AS alarm (code, sentence, since, until)
    VALUES (%(code)s, %(sentence)s, %(now)s, %(until)s)
    ON CONFLICT (code) DO UPDATE SET
        sentence = EXCLUDED.sentence,
        until = EXCLUDED.until,
        since = CASE WHEN alarm.until < %(over)s THEN EXCLUDED.since ELSE alarm.since END,
        seen_by = CASE WHEN alarm.until < %(over)s THEN NULL ELSE alarm.seen_by END
    RETURNING since = %(now)s
"""
# Of one moment, so that what is signed meanwhile is in both or in neither.
_ADRIFT = """
    SELECT letter_id, sum(abs(number)) FROM (
        SELECT letter_id, sum(number) AS number FROM (
            SELECT letter_id, state, visibility, flagged, country, number FROM signatures_countdelta
            UNION ALL
            SELECT letter_id, state, visibility, flags <> '{}',
                CASE WHEN state = 'approved' AND visibility = 'public' THEN country ELSE '' END, -count(*)
            FROM signatures_signature GROUP BY 1, 2, 3, 4, 5
        ) both_sides GROUP BY letter_id, state, visibility, flagged, country HAVING sum(number) <> 0
    ) cells GROUP BY letter_id ORDER BY letter_id
"""
# Which value of a column many recent sign-ups share, how many they are, and how large its part was before.
_SHARES = """
    WITH recent AS MATERIALIZED (
        SELECT {column} AS value FROM signatures_signature
        WHERE signed_up_at > %(since)s ORDER BY signed_up_at DESC LIMIT %(sample)s
    ), before AS MATERIALIZED (
        SELECT {column} AS value FROM signatures_signature
        WHERE signed_up_at <= %(since)s AND signed_up_at > %(from)s AND {column} <> {empty}
        ORDER BY signed_up_at DESC LIMIT %(sample)s
    ), most AS (
        SELECT value, count(*) AS number FROM (SELECT {each} AS value FROM recent) one_each
        WHERE value <> '' GROUP BY value HAVING count(*) >= %(trend)s
    ), earlier AS (
        SELECT value, count(*) AS number FROM (SELECT {each} AS value FROM before) one_each GROUP BY value
    )
    SELECT most.number, (SELECT count(*) FROM recent), coalesce(earlier.number, 0), (SELECT count(*) FROM before),
        coalesce((SELECT max(number) FROM earlier), 0)
    FROM most LEFT JOIN earlier USING (value) ORDER BY most.number DESC LIMIT 50
"""


@dataclass(frozen=True, slots=True)
class Share:
    """How many recent sign-ups have something in common, of how many; and how it was before, for this and the most."""

    number: int
    of: int
    before: int
    of_before: int
    most_before: int


def check() -> list[AlarmCode]:
    """Raise what is to be told; the codes that are new. Asked every minute by the worker."""
    now = timezone.now()
    new = [code for code, sentence in _alarms(now) if raise_alarm(code, sentence, now + ACTIVE_FOR)]
    gone = "The worker has not been at work: no mail goes out, and nothing else is looked at."
    Alarm.objects.update_or_create(
        code=AlarmCode.WORKER,
        defaults={"until": now + ACTIVE_FOR, "seen_by": None, "sentence": gone, "since": now + ACTIVE_FOR},
    )
    return new


@transaction.atomic
def raise_alarm(code: AlarmCode, sentence: str, until: datetime) -> bool:
    """Let an alarm stand until then; whether it is a new one, which the trail, the log and staff are told of once."""
    now = timezone.now()
    with connection.cursor() as cursor:
        values: dict[str, Any] = {
            "code": code,
            "sentence": sentence,
            "now": now,
            "until": until,
            "over": now - SAME_OCCURRENCE,
        }
        cursor.execute(_RAISE, values)
        is_new = bool(cursor.fetchone()[0])
    if is_new:
        audit_log.record(AuditAction.ALARM, reason=sentence, detail={"code": code})
        log.error("alarm %s: %s", code, sentence)
        queue.enqueue_for_staff(roles.alarm_recipients(), kind=OutboxMail.Kind.ALARM, topic=code)
    return is_new


def active(now: datetime) -> QuerySet[Alarm]:
    """The alarms that stand, those that somebody has seen among them."""
    return Alarm.objects.filter(Q(until__gt=now) & ~Q(code=AlarmCode.WORKER) | Q(until__lte=now, code=AlarmCode.WORKER))


@transaction.atomic
def mark_seen(code: str, *, by: int) -> bool:
    """Take an alarm off the top of admin until its next occurrence; whether it stood there."""
    if not Alarm.objects.filter(code=code, seen_by__isnull=True).update(seen_by=by):
        return False
    audit_log.record(AuditAction.ALARM_SEEN, staff_id=by, detail={"code": code})
    return True


@transaction.atomic
def recount(*, by: int | None = None) -> int:
    """Count every signature anew and compare with the tally; in how many letters they differ."""
    with connection.cursor() as cursor:
        cursor.execute(_ADRIFT)
        adrift = cursor.fetchall()
    now = timezone.now()
    audit_log.record(AuditAction.RECOUNT, staff_id=by, detail={"adrift": len(adrift)})
    if adrift:
        letters = ", ".join(f"letter {letter}: by {number}" for letter, number in adrift[:10])
        raise_alarm(
            AlarmCode.COUNT_DRIFT, f"The counts differ from the rows ({letters}).", now + timedelta(days=1, hours=1)
        )
    else:
        Alarm.objects.filter(code=AlarmCode.COUNT_DRIFT, until__gt=now).update(until=now)
    return len(adrift)


def is_recount_due() -> bool:
    """Whether a day has gone by since the last recount, by whomever."""
    lately = AuditEntry.objects.filter(
        action=AuditAction.RECOUNT, signature_id__isnull=True, at__gt=timezone.now() - DAILY
    )
    return not lately.exists()


def _alarms(now: datetime) -> Iterator[tuple[AlarmCode, str]]:
    busiest, everybody = rate_limits.busiest_network()
    if everybody >= MIN_SIGN_UPS and busiest * 2 > everybody:
        yield (
            AlarmCode.ONE_NETWORK,
            f"One network made {busiest} of {everybody} sign-ups. If that is your own proxy, set TRUSTED_PROXIES.",
        )
    for of in (RateLimit.Of.MAIL, RateLimit.Of.MAIL_DOMAIN):
        if rate_limits.is_exceeded(of):
            yield AlarmCode(of), "More mails are due than the limits let out. They wait, and go later."
    # An hour is enough for most to open their mail.
    of_a_day = Signature.objects.filter(
        signed_up_at__gt=now - timedelta(hours=25), signed_up_at__lte=now - timedelta(hours=1)
    )
    signed_up = of_a_day.count()
    if signed_up >= MIN_SIGN_UPS:
        unconfirmed = of_a_day.filter(state=State.UNCONFIRMED).count()
        if unconfirmed * 5 > signed_up * 4:
            share = f"{unconfirmed} of the {signed_up} sign-ups of a day are unconfirmed"
            yield AlarmCode.UNCONFIRMED, f"{share}: mail does not arrive, or somebody types the addresses of others."
    if stuck := OutboxMail.objects.filter(recipient__isnull=False, due_at__lte=now - STUCK_AFTER).count():
        yield AlarmCode.MAIL_STUCK, f"{stuck} mails have been due for more than half an hour."
    if (since := checkpoints.unchecked_since()) and since <= now - STUCK_AFTER:
        yield (
            AlarmCode.AUDIT_LOG_UNCHECKED,
            "The trail was not sealed for half an hour, though a worker runs: a transaction may be held open.",
        )
    yield from _rise(now)
    yield from _trends(now)


def _rise(now: datetime) -> Iterator[tuple[AlarmCode, str]]:
    """Many more sign-ups in this hour, or the one before, than at this time of the last days."""
    counts.fold_deltas()  # what the tally still holds is news
    hour = now.replace(minute=0, second=0, microsecond=0)
    rows = HourlyStatistic.objects.filter(what=HourlyStatistic.What.SIGN_UP, hour__gt=hour - timedelta(days=WEEK + 1))
    by_hour: dict[datetime, int] = {}
    for at, number in rows.values_list("hour", "number"):
        by_hour[at] = by_hour.get(at, 0) + number
    for at in (hour, hour - timedelta(hours=1)):
        ordinary = _ordinary(by_hour, at)
        if ordinary is not None and by_hour.get(at, 0) >= max(MIN_SIGN_UPS, RISE * (ordinary + ROUGHLY)):
            yield (
                AlarmCode.RISE,
                f"{by_hour[at]} sign-ups in an hour; at this time of the last days it was {ordinary:.0f}.",
            )
            return


def _ordinary(by_hour: dict[datetime, int], at: datetime) -> float | None:
    """Sign-ups at this time of day: of each of the last days the busiest hour of three, and their median.

    None when there are not two days to compare with: every letter rises on its first.
    """
    first = min(by_hour, default=at)
    days = [at - timedelta(days=back) for back in range(1, WEEK + 1)]
    known = [day for day in days if day - timedelta(hours=1) >= first]
    around = (timedelta(hours=-1), timedelta(0), timedelta(hours=1))
    if len(known) < 2:
        return None
    return float(median(max(by_hour.get(day + step, 0) for step in around) for day in known))


def _trends(now: datetime) -> Iterator[tuple[AlarmCode, str]]:
    for share in _shares("domains", "unnest(value)", "'{}'", now):
        # Of a big provider the part was as large before; one that is new has none.
        before = (share.before + 1) / (share.of_before + 1)
        if share.of_before >= MIN_SIGN_UPS and share.number / share.of >= max(PART, MORE * before):
            yield (
                AlarmCode.DOMAIN_TREND,
                f"One mail domain made {share.number} of the last {share.of} sign-ups, and hardly any before.",
            )
            break
    for share in _shares("network", "value", "''", now):
        # The digests of networks change every midnight: it is compared with the busiest one of before.
        before = share.most_before / max(1, share.of_before)
        if share.of_before >= MIN_SIGN_UPS and share.number / share.of >= max(PART, MORE * before):
            yield (
                AlarmCode.NETWORK_TREND,
                f"One network made {share.number} of the last {share.of} sign-ups; ordinarily none stands out.",
            )
            break


def _shares(column: str, each: str, empty: str, now: datetime) -> Sequence[Share]:
    values: dict[str, Any] = {
        "since": now - RECENT,
        "from": now - timedelta(days=WEEK),
        "sample": SAMPLE,
        "trend": TREND,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SHARES.format(column=column, each=each, empty=empty), values)
        return [Share(*row) for row in cursor.fetchall()]
