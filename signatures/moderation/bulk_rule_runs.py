"""Runs of bulk rules: signatures are changed in batches, each in a transaction that also saves the progress.

A run therefore continues after a crash, and can be undone in the same way.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from campaign.runtime.sql_files import load_sql
from signatures.audit import audit_log
from signatures.delivery.errata import record_rejections
from signatures.models import BulkRule, BulkRuleChange, OutboxMail, Signature, Submission
from signatures.moderation.bulk_rules import matching, matching_submissions, save_preview
from signatures.moderation.decisions import named_subquery
from signatures.registries import FLAGS_ENDED_BY_DECISION, AuditAction, Flag
from signatures.transitions import TransitionNotAllowed

BATCH_SIZE = 1_000  # the number of signatures that are locked at a time
TURN_SECONDS = 20.0  # time for one rule before the worker's other tasks run
STALLED_AFTER = timedelta(seconds=90)  # without a batch: the task that ran the rule has died
# A rule does not start when it matches another number than its preview showed, unless the difference is small:
TOLERATED_NUMBER = 10
TOLERATED_SHARE = 0.01
Step = BulkRule.Step

_APPLY = load_sql(__file__, "apply_bulk_rule.sql")
_FLAG = load_sql(__file__, "flag_by_bulk_rule.sql")
_UNDO = load_sql(__file__, "undo_bulk_rule.sql")


@transaction.atomic
def start(rule: BulkRule, *, by: int, shown: int, typed: int) -> BulkRule:
    """Start a rule. A task does the work (`run`).

    The rule changes only signatures that exist now. If it matches many more or fewer than the preview showed, it goes
    back to its preview before it changes any.

    The preview showed the number `shown`, and the member of staff typed the number `typed` as a confirmation.

    Raises:
        TransitionNotAllowed: when it was started before, when the numbers differ, or when it matches nobody.
    """
    locked = _lock(rule.pk, Step.DRAFT)
    if typed != shown or not shown:
        raise TransitionNotAllowed("This is not the number that the preview showed.")
    locked.step, locked.expected, locked.started_at, locked.started_by = Step.RUNNING, shown, timezone.now(), by
    numbers = Signature.objects.values("pk").union(Submission.objects.values("pk")).order_by("-pk")
    locked.bound = numbers[:1].get()["pk"]
    _save(locked, "step", "expected", "started_at", "started_by", "bound")
    _record(AuditAction.RULE_STARTED, locked, by=by, number=shown)
    return locked


@transaction.atomic
def cancel(rule: BulkRule, *, by: int) -> BulkRule:
    """Stop a rule after the current batch. Its changes stay, and can be undone.

    Raises:
        TransitionNotAllowed: unless it is running.
    """
    locked = _lock(rule.pk, Step.RUNNING)
    _end(locked, Step.CANCELED)
    _record(AuditAction.RULE_CANCELED, locked, by=by, number=locked.taken)
    return locked


@transaction.atomic
def undo(rule: BulkRule, *, by: int) -> BulkRule:
    """Start to undo a rule. A task does the work (`run`).

    Raises:
        TransitionNotAllowed: unless it is done or canceled.
    """
    locked = _lock(rule.pk, Step.DONE, Step.CANCELED)
    locked.step, locked.undone_by = Step.UNDOING, by
    _save(locked, "step", "undone_by")
    _record(AuditAction.RULE_UNDO, locked, by=by, number=locked.taken)
    return locked


@transaction.atomic
def discard(rule: BulkRule, *, by: int) -> None:
    """Delete a rule that was never started.

    Raises:
        TransitionNotAllowed: when it was started.
    """
    locked = _lock(rule.pk, Step.DRAFT)
    _record(AuditAction.RULE_DROPPED, locked, by=by, number=0)
    locked.delete()


def run(rule_id: int, *, seconds: float = TURN_SECONDS) -> bool:
    """Apply or undo a rule, batch by batch, for at most about this many seconds.

    May be called at any time, by several processes at once, and again after a crash: the rule's row holds the progress.

    Returns whether there is more to do.
    """
    until = time.monotonic() + seconds
    while _run_batch(rule_id):
        if time.monotonic() > until:
            return True
    return False


def stalled() -> list[int]:
    """Returns the ids of rules that have work left, but no recent batch."""
    late = BulkRule.objects.filter(step__in=_BATCHES, beat_at__lte=timezone.now() - STALLED_AFTER)
    return list(late.values_list("pk", flat=True))


@transaction.atomic
def _run_batch(rule_id: int) -> bool:
    """Run one batch and save the progress. Returns whether another batch may follow.

    Who passes a flag on with its rule (`signing.rules_behind_flags`) holds a signature or submission that the batch may
    wait for, and does not wait for the batch.
    """
    rule = BulkRule.objects.select_for_update(no_key=True).filter(pk=rule_id, step__in=_BATCHES).first()
    return rule is not None and _BATCHES[Step(rule.step)](rule)


def _apply_batch(rule: BulkRule) -> bool:
    if not rule.taken and _differs_from_preview(rule):
        return False
    # Submissions first: one that is confirmed meanwhile is among the signatures.
    if not rule.reached and (flagged := _flag_submissions(rule)):
        rule.flagged += flagged
        _save(rule, "flagged")
        return True
    rows = matching(rule).filter(pk__gt=rule.reached, pk__lte=rule.bound).exclude(_is_taken(rule))
    columns = ("id", "letter_id", "state", "approved_on", "flags")
    rejected, last = _apply(_APPLY, rows.order_by("pk").select_for_update().values(*columns)[:BATCH_SIZE], rule)
    if last is None:
        _end(rule, Step.DONE)
        _record(AuditAction.RULE_DONE, rule, number=rule.taken)
        return False
    record_rejections(rule.changes.filter(signature_id__gt=rule.reached, signature_id__lte=last).values("signature_id"))
    rule.rejected, rule.reached = rule.rejected + rejected, last
    _save(rule, "rejected", "reached")
    return True


def _flag_submissions(rule: BulkRule) -> int:
    rows = matching_submissions(rule).filter(pk__lte=rule.bound).order_by("pk").select_for_update()
    flagged, _last = _apply(_FLAG, rows.values("id", "flags")[:BATCH_SIZE], rule)
    return flagged


def _is_taken(rule: BulkRule) -> Exists:
    return Exists(BulkRuleChange.objects.filter(rule=rule, signature_id=OuterRef("pk")))


def _apply(statement: str, rows: QuerySet[Any, Any], rule: BulkRule) -> tuple[int, int | None]:
    """Returns how many rows the statement changed, and the number of the last one."""
    try:
        subquery, parameters = named_subquery(rows)
    except EmptyResultSet:
        return 0, None
    parameters |= {
        "rule_id": rule.pk,
        "flag": Flag.INVALIDATED,
        "flagged_mail": OutboxMail.Priority.FLAGGED,
        "ended_flags": list(FLAGS_ENDED_BY_DECISION),
        "action": AuditAction.INVALIDATE,
        "staff_id": rule.started_by,
        "at": timezone.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement.format(chosen=subquery), parameters)
        number, last = cursor.fetchone()
    return int(number), last


def _differs_from_preview(rule: BulkRule) -> bool:
    """Whether the number of matches differs from the preview. If so, the rule goes back to a new preview."""
    number = sum(rows.filter(pk__lte=rule.bound).count() for rows in (matching(rule), matching_submissions(rule)))
    if abs(number - rule.expected) <= max(TOLERATED_NUMBER, TOLERATED_SHARE * rule.expected):
        return False
    rule.step, rule.has_changed = Step.DRAFT, True
    _save(rule, "step", "has_changed")
    save_preview(rule, by=rule.started_by)
    _record(AuditAction.RULE_CHANGED, rule, number=number)
    return True


def _undo_batch(rule: BulkRule) -> bool:
    changes = rule.changes.filter(signature_id__gt=rule.looked_back).order_by("signature_id")
    chosen = list(changes.values_list("signature_id", flat=True)[:BATCH_SIZE])
    if not chosen:
        # Includes signatures that were erased. Of one submission the flag may have gone to two rows.
        rule.left_alone = max(rule.taken - rule.undone, 0)
        _save(rule, "left_alone")
        _end(rule, Step.UNDONE)
        _record(AuditAction.RULE_UNDONE, rule, number=rule.undone)
        return False
    # Locked by a statement of its own, so that the next one sees the audit entries of whoever held the locks before.
    for model in (Submission, Signature):
        list(model.objects.select_for_update().filter(pk__in=chosen).order_by("pk").values_list("pk"))
    parameters: dict[str, Any] = {
        "rule_id": rule.pk,
        "chosen": chosen,
        "flag": Flag.INVALIDATED,
        "action": AuditAction.UNDO,
        "staff_id": rule.undone_by,
        "at": timezone.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_UNDO, parameters)
        (restored,) = cursor.fetchone()
    rule.undone, rule.looked_back = rule.undone + restored, chosen[-1]
    _save(rule, "undone", "looked_back")
    return True


_BATCHES: dict[Step, Callable[[BulkRule], bool]] = {Step.RUNNING: _apply_batch, Step.UNDOING: _undo_batch}


def _lock(rule_id: int, *steps: Step) -> BulkRule:
    rule = BulkRule.objects.select_for_update().filter(pk=rule_id, step__in=steps).first()
    if rule is None:
        raise TransitionNotAllowed("The rule is deleted, or its state does not allow this.")
    return rule


def _save(rule: BulkRule, *columns: str) -> None:
    rule.beat_at = timezone.now()
    rule.save(update_fields=[*columns, "beat_at"])


def _end(rule: BulkRule, step: Step) -> None:
    """End a run. Blanks the match criteria, so that no trace of erased signers remains."""
    rule.step, rule.ended_at, rule.networks, rule.mailbox, rule.name_key = step, timezone.now(), [], "", ""
    _save(rule, "step", "ended_at", "networks", "mailbox", "name_key")


def _record(action: AuditAction, rule: BulkRule, *, number: int, by: int | None = None) -> None:
    detail = {"rule": rule.pk, "number": number}
    audit_log.record(action, staff_id=by, letter_id=rule.letter_id, reason=rule.reason, detail=detail)
