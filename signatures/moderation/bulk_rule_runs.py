"""A rule at work: many rows in small transactions, each with the progress in it, so that it goes on after any crash."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from signatures.audit import audit_log
from signatures.models import BulkRule, Signature
from signatures.moderation.bulk_rules import matching, save_preview
from signatures.registries import FLAGS_ENDED_BY_DECISION, AuditAction, Flag
from signatures.transitions import TransitionNotAllowed

BATCH = 1_000  # rows that are locked at a time
TURN_SECONDS = 20.0  # seconds after which the worker's other jobs have their turn
STALLED_AFTER = timedelta(seconds=90)  # without a batch: whoever ran it has died
FEW = 10  # that many more or less are no other list …
LITTLE = 0.01  # … nor is this share
Step = BulkRule.Step


# Lock, move, remember and tell, for one batch. `chosen` asks the conditions of the rows it locks, so that one that was
# changed while we waited for it is looked at anew.
_TAKE = """
    WITH chosen AS MATERIALIZED ({chosen}), moved AS (
        UPDATE signatures_signature AS signature SET
            state = CASE WHEN chosen.state = 'unconfirmed' THEN chosen.state ELSE 'rejected' END,
            approved_on = NULL,
            flags = CASE WHEN chosen.state = 'unconfirmed' THEN chosen.flags || %(flag)s::varchar(20)
                ELSE ARRAY(SELECT flag FROM unnest(chosen.flags) AS flag WHERE flag <> ALL (%(ended)s)) END
        FROM chosen WHERE signature.id = chosen.id
        RETURNING chosen.*, signature.state AS now, signature.flags AS left_with
    ), told AS (
        INSERT INTO signatures_auditentry (at, action, staff_id, letter_id, signature_id, was, now, reason, detail)
        SELECT %(at)s, %(action)s, %(by)s, letter_id, id, state, CASE WHEN now = 'rejected' THEN now ELSE '' END, '',
            jsonb_strip_nulls(jsonb_build_object(
                'invalidation', %(rule)s, 'approved_on', approved_on,
                'flags', CASE WHEN flags <> left_with THEN array_to_string(flags, ' ') END
            ))
        FROM moved ORDER BY id
        RETURNING id, signature_id
    ), kept AS (
        INSERT INTO signatures_bulkrulechange (invalidation_id, signature_id, entry_id, state, approved_on, flags)
        SELECT %(rule)s, moved.id, told.id, state, approved_on, flags
        FROM moved JOIN told ON told.signature_id = moved.id
    )
    SELECT count(*) FILTER (WHERE now = 'rejected'), count(*) FILTER (WHERE now <> 'rejected'), max(id) FROM moved
"""
# Who was rejected goes back to what it was, unless anything moved it since. Who was flagged loses the flag wherever it
# has not been decided, confirmed or not.
_PUT_BACK = """
    WITH restored AS (
        UPDATE signatures_signature AS signature SET
            state = CASE WHEN kept.state = 'unconfirmed' THEN signature.state ELSE kept.state END,
            approved_on = CASE WHEN kept.state = 'unconfirmed' THEN signature.approved_on ELSE kept.approved_on END,
            flags = CASE WHEN kept.state = 'unconfirmed' THEN array_remove(signature.flags, %(flag)s::varchar(20))
                ELSE kept.flags END
        FROM signatures_bulkrulechange AS kept, signatures_signature AS before
        WHERE kept.invalidation_id = %(rule)s AND kept.signature_id = ANY (%(chosen)s)
            AND signature.id = kept.signature_id AND before.id = kept.signature_id
            AND CASE WHEN kept.state = 'unconfirmed'
                THEN signature.state IN ('unconfirmed', 'waiting') AND signature.flags @> ARRAY[%(flag)s::varchar(20)]
                ELSE signature.state = 'rejected' AND NOT EXISTS (
                    SELECT FROM signatures_auditentry AS later
                    WHERE later.signature_id = kept.signature_id AND later.id > kept.entry_id AND later.now <> ''
                ) END
        RETURNING signature.id, signature.letter_id, before.state AS was,
            CASE WHEN kept.state = 'unconfirmed' THEN '' ELSE signature.state END AS now
    ), told AS (
        INSERT INTO signatures_auditentry (at, action, staff_id, letter_id, signature_id, was, now, reason, detail)
        SELECT %(at)s, %(action)s, %(by)s, letter_id, id, was, now, '', jsonb_build_object('invalidation', %(rule)s)
        FROM restored ORDER BY id
    )
    SELECT count(*) FROM restored
"""


@transaction.atomic
def start(rule: BulkRule, *, by: int, shown: int, typed: int) -> BulkRule:
    """Let a rule begin, for whoever typed the number that its preview showed. A job does the work (`run`).

    Only signatures that exist by now are taken. Should there be many more, or fewer, than were shown, the rule goes
    back to its preview before it touches one.

    Raises:
        NotAllowed: when it was begun before, when the number is not the one shown, or when it would take nobody.
    """
    locked = _lock(rule.pk, Step.DRAFT)
    if typed != shown or not shown:
        raise TransitionNotAllowed("This is not the number that the preview showed.")
    locked.step, locked.expected, locked.started_at, locked.started_by = Step.RUNNING, shown, timezone.now(), by
    locked.bound = Signature.objects.aggregate(Max("pk"))["pk__max"]
    _save(locked, "step", "expected", "started_at", "started_by", "bound")
    _tell(AuditAction.RULE_STARTED, locked, by=by, number=shown)
    return locked


@transaction.atomic
def cancel(rule: BulkRule, *, by: int) -> BulkRule:
    """Stop a rule behind the batch that runs. What it did stays, and can be undone.

    Raises:
        NotAllowed: unless it runs.
    """
    locked = _lock(rule.pk, Step.RUNNING)
    _end(locked, Step.CANCELLED)
    _tell(AuditAction.RULE_CANCELLED, locked, by=by, number=locked.taken)
    return locked


@transaction.atomic
def undo(rule: BulkRule, *, by: int) -> BulkRule:
    """Let a rule be undone. A job does the work (`run`).

    Raises:
        NotAllowed: unless it ended.
    """
    locked = _lock(rule.pk, Step.DONE, Step.CANCELLED)
    locked.step, locked.undone_by = Step.UNDOING, by
    _save(locked, "step", "undone_by")
    _tell(AuditAction.RULE_UNDO, locked, by=by, number=locked.taken)
    return locked


@transaction.atomic
def discard(rule: BulkRule, *, by: int) -> None:
    """Throw away a rule that was never begun.

    Raises:
        NotAllowed: when it was.
    """
    locked = _lock(rule.pk, Step.DRAFT)
    _tell(AuditAction.RULE_DROPPED, locked, by=by, number=0)
    locked.delete()


def run(number: int, *, seconds: float = TURN_SECONDS) -> bool:
    """Work on a rule, forwards or backwards as it stands, batch by batch; whether more is left to do.

    May be asked at any time, by several at once, and again after a crash: the rows say how far it has come.
    """
    until = time.monotonic() + seconds
    while _batch(number):
        if time.monotonic() > until:
            return True
    return False


def stalled() -> list[int]:
    """The rules on which nobody has worked for a while, though there is work."""
    late = BulkRule.objects.filter(step__in=_WORK, beat_at__lte=timezone.now() - STALLED_AFTER)
    return list(late.values_list("pk", flat=True))


@transaction.atomic
def _batch(number: int) -> bool:
    """One batch and the progress in one transaction; whether another may follow."""
    rule = BulkRule.objects.select_for_update().filter(pk=number, step__in=_WORK).first()
    return rule is not None and _WORK[Step(rule.step)](rule)


def _take(rule: BulkRule) -> bool:
    if not rule.reached and _is_another_list(rule):
        return False
    rows = matching(rule).filter(pk__gt=rule.reached, pk__lte=rule.bound).order_by("pk").select_for_update()
    columns = rows.values("id", "letter_id", "state", "approved_on", "flags")
    which, parameters = _named(*columns[:BATCH].query.sql_with_params())
    values = {
        **parameters, "flag": Flag.INVALIDATED, "ended": list(FLAGS_ENDED_BY_DECISION), "at": timezone.now(),
        "action": AuditAction.INVALIDATE, "by": rule.started_by, "rule": rule.pk,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_TAKE.format(chosen=which), values)
        rejected, flagged, last = cursor.fetchone()
    if last is None:
        _end(rule, Step.DONE)
        _tell(AuditAction.RULE_DONE, rule, number=rule.taken)
        return False
    rule.rejected, rule.flagged, rule.reached = rule.rejected + rejected, rule.flagged + flagged, last
    _save(rule, "rejected", "flagged", "reached")
    return True


def _is_another_list(rule: BulkRule) -> bool:
    """Whether a rule that is about to begin fits another number than was shown; then it is shown anew."""
    number = matching(rule).filter(pk__lte=rule.bound).count()
    if abs(number - rule.expected) <= max(FEW, LITTLE * rule.expected):
        return False
    rule.step, rule.has_changed = Step.DRAFT, True
    _save(rule, "step", "has_changed")
    save_preview(rule)
    _tell(AuditAction.RULE_CHANGED, rule, number=number)
    return True


def _put_back(rule: BulkRule) -> bool:
    rows = rule.rows.filter(signature_id__gt=rule.looked_back).order_by("signature_id")
    chosen = list(rows.values_list("signature_id", flat=True)[:BATCH])
    if not chosen:
        rule.left_alone = rule.taken - rule.undone  # those that were erased among them
        _save(rule, "left_alone")
        _end(rule, Step.UNDONE)
        _tell(AuditAction.RULE_UNDONE, rule, number=rule.undone)
        return False
    # Locked by a statement of its own: the next one then sees what the trail tells of whoever we waited for.
    list(Signature.objects.select_for_update().filter(pk__in=chosen).order_by("pk").values_list("pk"))
    values: dict[str, Any] = {
        "rule": rule.pk,
        "action": AuditAction.UNDO,
        "chosen": chosen,
        "flag": Flag.INVALIDATED,
        "at": timezone.now(),
        "by": rule.undone_by,
    }
    with connection.cursor() as cursor:
        cursor.execute(_PUT_BACK, values)
        (restored,) = cursor.fetchone()
    rule.undone, rule.looked_back = rule.undone + restored, chosen[-1]
    _save(rule, "undone", "looked_back")
    return True


_WORK: dict[Step, Callable[[BulkRule], bool]] = {Step.RUNNING: _take, Step.UNDOING: _put_back}


def _named(sql: str, parameters: tuple[Any, ...]) -> tuple[str, dict[str, Any]]:
    """The same statement with a name for each parameter, so that it can be part of one that has names."""
    names = [f"chosen_{place}" for place in range(len(parameters))]
    return sql % tuple(f"%({name})s" for name in names), dict(zip(names, parameters, strict=True))


def _lock(number: int, *steps: Step) -> BulkRule:
    rule = BulkRule.objects.select_for_update().filter(pk=number, step__in=steps).first()
    if rule is None:
        raise TransitionNotAllowed("It is gone, or is not at a step from which this can be done.")
    return rule


def _save(rule: BulkRule, *columns: str) -> None:
    rule.beat_at = timezone.now()
    rule.save(update_fields=[*columns, "beat_at"])


def _end(rule: BulkRule, step: Step) -> None:
    """Whom it was like is not needed any more, so that who erases everything is not kept here either."""
    rule.step, rule.ended_at, rule.networks, rule.name_key = step, timezone.now(), [], ""
    _save(rule, "step", "ended_at", "networks", "name_key")


def _tell(action: AuditAction, rule: BulkRule, *, number: int, by: int | None = None) -> None:
    detail = {"invalidation": rule.pk, "number": number}
    audit_log.record(action, staff_id=by, letter_id=rule.letter_id, reason=rule.reason, detail=detail)
