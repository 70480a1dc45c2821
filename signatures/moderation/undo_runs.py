"""Undoing what one click of a member of staff decided: at once, or by a task if it was about many signatures.

A decision is named by a range of audit entries. Each is reversed by itself, unless something was decided about its
signature since. The audit log holds the progress, too: a run continues after a crash.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.utils import timezone

from signatures.audit import audit_log
from signatures.models import AuditEntry, Signature
from signatures.moderation import decisions
from signatures.moderation.own_decisions import DECISIONS, SPAN
from signatures.registries import READ_ACTIONS, AuditAction

BATCH_SIZE = 500  # the number of signatures that are locked at a time


@dataclass(frozen=True, slots=True)
class Run:
    """The undoing of a decision about many signatures.

    `number` is the id of the audit entry with which it began, `all` how many entries are to be reversed.
    """

    number: int
    by: int
    first_entry: int
    last_entry: int
    all: int
    undone: int
    is_done: bool

    @property
    def left(self) -> int:
        """How many are not undone: as long as it runs, not yet; then, because they were decided again since."""
        return self.all - self.undone


def entries_of(staff_id: int, first: int, last: int) -> QuerySet[AuditEntry]:
    """Returns the entries of one own decision, in order: what one click decided has one time."""
    own = AuditEntry.objects.filter(staff_id=staff_id, action__in=DECISIONS)
    return own.filter(pk__range=(first, last), at=Subquery(own.filter(pk=last).values("at")[:1])).order_by("pk")


def undo_at_once(entries: QuerySet[AuditEntry], *, by: int) -> list[int]:
    """Undo a decision of this account. Returns the ids of the restored signatures."""
    return _undo(list(entries.values_list("pk", flat=True)), by=by)


def start(staff_id: int, first: int, last: int) -> int:
    """Start to undo a decision of this account; a task does the work (`run`). Returns the number of the run.

    One that has not ended is not started again.
    """
    for started in _runs(by=staff_id):
        if not started.is_done and started.last_entry == last:
            return started.number
    with transaction.atomic():
        detail = {"first": first, "last": last, "number": entries_of(staff_id, first, last).count()}
        audit_log.record(AuditAction.UNDO_STARTED, staff_id=staff_id, detail=detail)
        return AuditEntry.objects.filter(staff_id=staff_id, action=AuditAction.UNDO_STARTED).values_list(
            "pk", flat=True
        )[0]


def run(number: int) -> None:
    """Undo a decision, batch by batch.

    May be called at any time, by several processes at once, and again after a crash.
    """
    for started in _runs():
        if started.number == number and not started.is_done:
            entries, reached = entries_of(started.by, started.first_entry, started.last_entry), 0
            while batch := list(entries.filter(pk__gt=reached).values_list("pk", flat=True)[:BATCH_SIZE]):
                _undo(batch, by=started.by, run=number)
                reached = batch[-1]
            audit_log.record(
                AuditAction.UNDO_DONE,
                staff_id=started.by,
                detail={"run": number, "number": _undone(number, started.by)},
            )


def unfinished() -> list[int]:
    """Returns the numbers of the runs that have work left."""
    return [started.number for started in _runs() if not started.is_done]


def recent(staff_id: int) -> list[Run]:
    """Returns the runs of this account of the last two days, the newest first."""
    return _runs(by=staff_id)


@transaction.atomic
def _undo(batch: Sequence[int], *, by: int, run: int | None = None) -> list[int]:
    """Reverse those of these entries that still are the last word on their signatures. Returns the ids of these."""
    entries = AuditEntry.objects.filter(pk__in=batch)
    # Locked by a statement of its own, so that the next one sees the audit entries of whoever held the locks before.
    rows = Signature.objects.select_for_update().filter(pk__in=entries.order_by().values("signature_id"))
    list(rows.order_by("pk").values_list("pk"))
    return decisions.reverse(list(_standing(entries, by=by).values_list("pk", flat=True)), by=by, run=run)


def _standing(entries: QuerySet[AuditEntry], *, by: int) -> QuerySet[AuditEntry]:
    """Returns the entries after which nobody changed the state, and nobody else did anything (threat model A7)."""
    later = AuditEntry.objects.filter(signature_id=OuterRef("signature_id"), pk__gt=OuterRef("pk"))
    of_others = later.exclude(staff_id=by).exclude(action__in=READ_ACTIONS)
    return entries.exclude(Exists(later.exclude(now=""))).exclude(Exists(of_others))


def _runs(by: int | None = None) -> list[Run]:
    actions = [AuditAction.UNDO_STARTED, AuditAction.UNDO_DONE]
    entries = AuditEntry.objects.filter(action__in=actions, at__gt=timezone.now() - SPAN)
    if by is not None:
        entries = entries.filter(staff_id=by)
    undone = {entry.detail["run"]: entry.detail["number"] for entry in entries if entry.action == AuditAction.UNDO_DONE}
    return [
        Run(
            number=entry.pk,
            by=entry.staff_id or 0,
            first_entry=entry.detail["first"],
            last_entry=entry.detail["last"],
            all=entry.detail["number"],
            undone=undone[entry.pk] if entry.pk in undone else _undone(entry.pk, entry.staff_id or 0),
            is_done=entry.pk in undone,
        )
        for entry in entries
        if entry.action == AuditAction.UNDO_STARTED
    ]


def _undone(number: int, by: int) -> int:
    own = AuditEntry.objects.filter(staff_id=by, at__gt=timezone.now() - SPAN, pk__gt=number)
    return own.filter(action=AuditAction.UNDO, detail__run=number).count()
