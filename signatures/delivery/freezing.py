"""Actions on a delivery: freeze a letter with its signatures, void it, hand it over, have it acknowledged."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models import CharField, Count, DateField, Exists, IntegerField, Max, OuterRef, QuerySet, Value, Window
from django.db.models.functions import Cast, RowNumber
from django.utils import timezone

from campaign.models import Letter
from campaign.runtime.locks import AdvisoryLock, block_lock, transaction_lock
from campaign.runtime.sql_files import load_sql
from signatures import counts
from signatures.audit import audit_log
from signatures.delivery import breakdowns, document_data, hand_overs, snapshot
from signatures.delivery.errata import (
    add_errata,
    add_rejections,
    blank_words_of_nobody,
    entries_that_left,
    rejected_entries,
)
from signatures.delivery.selection import day_of_signing, source_of
from signatures.models import Delivery, Erratum, Signature
from signatures.registries import AuditAction
from signatures.states import State
from signatures.transitions import EditConflict, TransitionNotAllowed

MAX_REASON = 300  # characters
FREEZE_SECONDS = 60.0  # in which another freezing must be done

_FREEZE_ENTRIES = load_sql(__file__, "freeze_entries.sql")


class CountsDiffer(Exception):
    """The stored counts differ from the rows. Nothing is frozen until that is repaired (architecture, rule 10)."""


def freeze(letter: Letter, *, by: int | None, reason: str) -> Delivery:
    """Freezes the letter's published texts and approved signatures as they are at one moment, and counts them.

    The audit entry is committed with the delivery, before any file is made (threat model E4).

    Raises:
        TransitionNotAllowed: no text is published, no signature is approved, or there is no reason.
        CountsDiffer: the stored counts differ from the rows.
    """
    reason = _require_reason(reason, "A delivery needs a reason.")
    # Freezings wait for each other, so that numbers run without a gap.
    with block_lock(AdvisoryLock.FREEZE_DELIVERY, seconds=FREEZE_SECONDS), transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        delivery = _freeze(letter, by, reason)
        connection.check_constraints()  # else a million checks wait for the commit, under the lock
        # From here to the commit nobody deletes a signature: whoever does so later sees these entries.
        transaction_lock(AdvisoryLock.DELETE_SIGNATURES)
    blank_words_of_nobody(delivery.rows.all())  # of who erased themselves since the transaction began
    return delivery


def _require_reason(reason: str, message: str) -> str:
    if not reason.strip():
        raise TransitionNotAllowed(message)
    return reason.strip()[:MAX_REASON]


def _freeze(letter: Letter, by: int | None, reason: str) -> Delivery:
    texts = snapshot.published_texts(letter)
    if not texts:
        raise TransitionNotAllowed("The letter has no published text.")
    list_counts = snapshot.list_counts(letter)
    _check_counts(letter, list_counts)
    if not list_counts["delivered"]:
        raise TransitionNotAllowed("Nobody's signature is approved yet.")
    last_number = Delivery.objects.filter(letter=letter).aggregate(last=Max("number"))["last"] or 0
    delivery = Delivery.objects.create(
        letter=letter,
        number=last_number + 1,
        frozen_at=timezone.now(),
        frozen_by=by,
        reason=reason,
        order=letter.order,
        letterhead=document_data.frozen_letterhead(letter),
        texts=texts,
        counts=list_counts | _changes_since_last(letter) | {"errata": _count_errata(letter)},
    )
    _freeze_entries(delivery)
    delivery.method = breakdowns.counted(delivery)
    delivery.save(update_fields=["method"])
    detail = {"delivery": delivery.pk, "number": delivery.number, "delivered": list_counts["delivered"]}
    audit_log.record(AuditAction.FREEZE, staff_id=by, letter_id=letter.pk, reason=reason, detail=detail)
    return delivery


def _check_counts(letter: Letter, found: dict[str, Any]) -> None:
    """Raises CountsDiffer unless the stored counts, which the public page shows, are those of the rows."""
    stored, by_state = counts.for_letter(letter.pk), snapshot.rows_by_state(letter)
    rows = (found["delivered"], found["named"], found["counted_only"])
    if (
        found["delivered"] != found["named"] + found["counted_only"]
        or (stored.delivered, stored.named, stored.counted_only) != rows
        or any(stored.in_state(state) != by_state.get(state, 0) for state in State)
    ):
        raise CountsDiffer("The counts of the letter are not those of its rows; run `manage.py reconcile`.")


def _changes_since_last(letter: Letter) -> dict[str, Any]:
    """Returns the number of the last delivery that is not void, and how many signatures came and went since."""
    last = Delivery.objects.filter(letter=letter).exclude(state=Delivery.State.VOID).order_by("number").last()
    if last is None:
        return {"since": None, "added": 0, "gone": 0}
    approved = Signature.objects.filter(letter=letter, state=State.APPROVED)
    # Not by `exclude(pk__in=…)`: NOT IN reads a list that is larger than `work_mem` once for each row.
    return {
        "since": last.number,
        "added": approved.exclude(Exists(last.rows.filter(signature_id=OuterRef("pk")))).count(),
        "gone": last.rows.exclude(Exists(approved.filter(pk=OuterRef("signature_id")))).count(),
    }


def _count_errata(letter: Letter) -> dict[str, int]:
    """Returns the number of errata of each earlier delivery that has any."""
    errata = Erratum.objects.filter(delivery__letter=letter).values_list("delivery__number").annotate(Count("pk"))
    return {str(number): count for number, count in errata}


def _freeze_entries(delivery: Delivery) -> None:
    sql, parameters = _numbered(delivery).query.sql_with_params()
    with connection.cursor() as cursor:
        numbered = cursor.mogrify(sql, parameters).decode().replace("%", "%%")
        cursor.execute(_FREEZE_ENTRIES.replace("{numbered}", numbered), {"delivery": delivery.pk})
        if cursor.rowcount != delivery.counts["delivered"]:
            raise CountsDiffer(f"{cursor.rowcount} rows, and {delivery.counts['delivered']} counted")


def _numbered(delivery: Delivery) -> QuerySet[Signature, Any]:
    """Returns id, number, day and source of each signature to deliver; those counted only have the first alone."""
    signatures = Signature.objects.filter(letter=delivery.letter)
    order: Any = signatures.in_order(delivery.order).query.order_by
    number = Cast(Window(RowNumber(), order_by=list(order)), IntegerField())
    day = day_of_signing(delivery.letter)
    numbered = signatures.deliverable().annotate(list_number=number, day=day, source=source_of())
    named = numbered.values_list("pk", "list_number", "day", "source")
    nothing = (Value(None, output_field=field()) for field in (IntegerField, DateField, CharField))
    counted = signatures.counted_only().values_list("pk", *nothing)
    return named.union(counted, all=True)


@transaction.atomic
def void(delivery: Delivery, *, by: int | None, reason: str) -> Delivery:
    """Voids a delivery that was frozen by mistake, and cancels its build. The record stays, with the reason.

    The worker deletes its package, which names people, within a minute (`retention.delete_void_packages`).

    Raises:
        TransitionNotAllowed: it was handed over, or there is no reason.
    """
    reason = _require_reason(reason, "To void a delivery needs a reason.")
    locked = _lock(delivery, Delivery.State.FROZEN, Delivery.State.READY)
    return _transition(
        locked, Delivery.State.VOID, by=by, action=AuditAction.VOID, reason=reason, void_reason=reason,
        build_canceled=True,
    )  # fmt: skip


@transaction.atomic
def hand_over(delivery: Delivery, *, by: int | None, on: date, to: str, at: str = "", note: str = "") -> Delivery:
    """Records when, to whom and where it was handed over. Who left or was rejected since becomes an erratum.

    Raises:
        TransitionNotAllowed: its files are not ready, or it cannot have been on this day.
    """
    locked = _lock(delivery, Delivery.State.READY)
    hand_overs.require_day_of_hand_over(locked, on)
    add_errata(locked, entries_that_left(locked).count())
    add_rejections(locked, rejected_entries(locked))
    fields: dict[str, Any] = dict(zip(hand_overs.COLUMNS.values(), (on, to, at, note), strict=True))
    return _transition(locked, Delivery.State.HANDED_OVER, by=by, action=AuditAction.HAND_OVER, **fields)


@transaction.atomic
def correct_hand_over(
    delivery: Delivery,
    *,
    by: int | None,
    on: date,
    to: str,
    at: str = "",
    note: str = "",
    reason: str,
    shown: Mapping[str, str] | None = None,
) -> Delivery:
    """Corrects what was recorded about the handing over. What was shown before stays beside it, in `corrections`.

    The audit entry has the names of the changed fields, and never what is in them. `shown` is what the page showed as
    recorded (`hand_overs.recorded`); None checks nothing.

    Raises:
        EditConflict: something else is recorded than was shown.
        TransitionNotAllowed: it was not handed over, cannot have been on this day, nothing changes, or there is no
            reason.
    """
    reason = _require_reason(reason, "A correction needs a reason.")
    locked = _lock(delivery, Delivery.State.HANDED_OVER, Delivery.State.ACKNOWLEDGED)
    if shown is not None and shown != hand_overs.recorded(locked):
        raise EditConflict("Somebody else corrected it meanwhile.")
    hand_overs.require_day_of_hand_over(locked, on)
    fields: dict[str, Any] = dict(zip(hand_overs.COLUMNS.values(), (on, to, at, note), strict=True))
    was = {name: getattr(locked, name) for name, value in fields.items() if getattr(locked, name) != value}
    if not was:
        raise TransitionNotAllowed("Nothing is different from what is recorded.")
    old = {name: getattr(locked, name) for name in fields}
    entry = {"at": timezone.now(), "by": by, "reason": reason, "fields": list(was), "was": old}
    corrections = [*locked.corrections, json.loads(json.dumps(entry, cls=DjangoJSONEncoder))]
    return _transition(
        locked, Delivery.State(locked.state), by=by, action=AuditAction.CORRECT_HAND_OVER,
        reason=f"{', '.join(was)}: {reason}"[:MAX_REASON], corrections=corrections, **fields,
    )  # fmt: skip


@transaction.atomic
def acknowledge(delivery: Delivery, *, by: int | None, on: date) -> Delivery:
    """Records the day of the acknowledgment. Kept email addresses are deleted `RETENTION_MONTHS` after it.

    Raises:
        TransitionNotAllowed: it was not handed over, or later than on this day.
    """
    locked = _lock(delivery, Delivery.State.HANDED_OVER)
    hand_overs.require_day_of_acknowledgment(locked, on)
    done = _transition(locked, Delivery.State.ACKNOWLEDGED, by=by, action=AuditAction.ACKNOWLEDGE, acknowledged_on=on)
    _set_acknowledgment_of_letter(locked)
    return done


@transaction.atomic
def retract_acknowledgment(delivery: Delivery, *, by: int | None, reason: str) -> Delivery:
    """Takes an acknowledgment back that was recorded by mistake. Addresses that are deleted already stay deleted.

    Raises:
        TransitionNotAllowed: it was not acknowledged, or there is no reason.
    """
    reason = _require_reason(reason, "To take this back needs a reason.")
    locked = _lock(delivery, Delivery.State.ACKNOWLEDGED)
    done = _transition(
        locked, Delivery.State.HANDED_OVER, by=by, action=AuditAction.RETRACT_ACKNOWLEDGMENT, reason=reason,
        acknowledged_on=None,
    )  # fmt: skip
    _set_acknowledgment_of_letter(locked)
    return done


def _set_acknowledgment_of_letter(delivery: Delivery) -> None:
    """Sets from when the addresses of its letter are kept: the last acknowledgment counts."""
    deliveries = Delivery.objects.filter(letter=delivery.letter_id, state=Delivery.State.ACKNOWLEDGED)
    last = deliveries.aggregate(Max("acknowledged_on"))["acknowledged_on__max"]
    Letter.objects.filter(pk=delivery.letter_id).update(
        acknowledged_on=last, acknowledged_at=timezone.now() if last else None
    )


def _lock(delivery: Delivery, *states: Delivery.State) -> Delivery:
    locked = Delivery.objects.select_for_update().get(pk=delivery.pk)
    if locked.state not in states:
        raise TransitionNotAllowed(f"The delivery is {locked.get_state_display()}.")
    return locked


def _transition(
    locked: Delivery, to: Delivery.State, *, by: int | None, action: AuditAction, reason: str = "", **fields: Any
) -> Delivery:
    audit_log.record(
        action,
        staff_id=by,
        letter_id=locked.letter_id,
        reason=reason,
        detail={"delivery": locked.pk, "number": locked.number},
        was=locked.state,
        now=to,
    )
    locked.state = to
    for field, value in fields.items():
        setattr(locked, field, value)
    locked.save(update_fields=["state", *fields])
    return locked
