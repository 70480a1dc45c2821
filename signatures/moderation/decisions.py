"""Decisions of staff about signatures: approve, reject, hold, ask a question, undo; for one signature or many."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from nacl.public import PrivateKey

from campaign.models import Letter
from campaign.runtime.sql_files import load_sql
from signatures.audit import audit_log
from signatures.delivery import errata
from signatures.models import AuditEntry, OutboxMail, Question, Signature, SignatureQuerySet
from signatures.outbox import queue
from signatures.registries import FLAGS_ENDED_BY_DECISION, READ_ACTIONS, AuditAction, Flag
from signatures.states import ALLOWED_FROM, State
from signatures.transitions import TransitionNotAllowed, check_conflict, lock
from signatures.values import sealing

TARGET_STATE = {
    AuditAction.APPROVE: State.APPROVED,
    AuditAction.REJECT: State.REJECTED,
    AuditAction.HOLD: State.WAITING,
}
ADDED_FLAGS = {AuditAction.HOLD: [Flag.HOLD]}
MAX_NAMED = 5  # the number of refused signatures that a message names

_DECIDE = load_sql(__file__, "decide.sql")
_UNDO = load_sql(__file__, "undo_decisions.sql")


@dataclass(frozen=True, slots=True)
class DecisionResult:
    """The outcome of a decision about many signatures.

    `decided` and `refused` are counts; `refused_ids` are the first refused ones by number; `first_entry` and
    `last_entry` are the range of the new audit entries.
    """

    decided: int
    refused: int
    first_entry: int | None = None
    last_entry: int | None = None
    refused_ids: Sequence[int] = ()


def decide(
    action: AuditAction,
    chosen: SignatureQuerySet,
    *,
    by: int | None,
    reason: str = "",
    seen: Collection[State] | None = None,
    as_of: int | None = None,
) -> DecisionResult:
    """Approve, reject or hold many signatures. Those whose state does not allow it are left as they are.

    Args:
        action: APPROVE, REJECT or HOLD.
        chosen: the signatures.
        by: the account id of the member of staff; None for an automatic rule.
        reason: the reason for the audit log; a rejection needs one.
        seen: the states in which the page showed the signatures. A signature in another state was decided by somebody
            else meanwhile, and is left as it is.
        as_of: the newest audit entry when the page was made (`audit_log.newest_id`). A signature that somebody else
            changed since then is left as it is. None skips this check.

    Raises:
        TransitionNotAllowed: when a rejection has no reason.
    """
    if action == AuditAction.REJECT and not reason.strip():
        raise TransitionNotAllowed("A rejection needs a reason.")
    subquery, parameters = named_subquery(chosen.order_by().values("pk"))
    now = timezone.now()
    parameters |= {
        "action": action,
        "target_state": TARGET_STATE[action],
        "allowed_states": sorted(ALLOWED_FROM[action] if seen is None else ALLOWED_FROM[action] & set(seen)),
        "ended_flags": list(FLAGS_ENDED_BY_DECISION),
        "added_flags": ADDED_FLAGS.get(action, []),
        "staff_id": by,
        "reason": reason.strip(),
        "as_of": as_of,
        "read_actions": list(READ_ACTIONS),
        "at": now,
        "today": now.date(),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_DECIDE.format(chosen=subquery, max_named=MAX_NAMED), parameters)
        found, decided, first_entry, last_entry, refused_ids = cursor.fetchone()
        if action == AuditAction.REJECT and decided:
            entries = AuditEntry.objects.filter(pk__range=(first_entry, last_entry), action=action)
            errata.record_rejections(entries.values("signature_id"))
    return DecisionResult(decided, found - decided, first_entry, last_entry, refused_ids)


def named_subquery(rows: QuerySet[Any, Any]) -> tuple[str, dict[str, Any]]:
    """Returns the SQL of a queryset with named parameters, and the parameters, for use inside a larger statement."""
    sql, parameters = rows.query.sql_with_params()
    names = [f"subquery_{position}" for position in range(len(parameters))]
    return sql % tuple(f"%({name})s" for name in names), dict(zip(names, parameters, strict=True))


@transaction.atomic
def ask_question(signature: Signature, *, by: int, question: str, as_of: int | None = None) -> Signature:
    """Ask the signer one of the questions on the list.

    The personal page shows the question, and the signature waits with a flag. An email can say so (`queue_questions`).

    Raises:
        TransitionNotAllowed: unless the signature is waiting and the question exists.
        EditConflict: when somebody else changed the signature since `as_of`.
    """
    locked = lock(signature)
    check_conflict(locked, by=by, as_of=as_of)
    if locked.state != State.WAITING or not Question.objects.filter(code=question).exists():
        raise TransitionNotAllowed("The signature is not waiting, or there is no such question.")
    # What an undo needs: the question whose answer this one replaces.
    former = {"answered": locked.question} if Flag.ANSWERED in locked.flags else {}
    locked.question, locked.flags = question, sorted({*locked.flags, Flag.ASKED} - {Flag.ANSWERED})
    audit_log.record(
        AuditAction.ASK, staff_id=by, letter_id=locked.letter_id, signature_id=locked.pk, reason=question, detail=former
    )
    locked.save(update_fields=["question", "flags"])
    return locked


@transaction.atomic
def queue_questions(private_keys: Sequence[PrivateKey]) -> int:
    """Queue an email to each signer who was asked a question and whose address is kept: for that, or for updates.

    Returns the number of queued emails. Nobody gets a second one.

    Raises:
        CannotUnseal: when an address was sealed to another key.
    """
    asked = Signature.objects.with_address().filter(state=State.WAITING, flags__contains=[Flag.ASKED])
    queued = 0
    for row in asked.exclude(mails__kind=OutboxMail.Kind.QUESTION).select_for_update(of=("self",)):
        address = sealing.unseal(row.question_address or row.sealed_address or b"", private_keys=private_keys)
        queue.enqueue_question(row, address=address)
        queued += 1
    audit_log.record(AuditAction.QUEUE_QUESTIONS, detail={"number": queued})
    return queued


@transaction.atomic
def undo(signature: Signature, *, by: int, as_of: int | None = None) -> Signature:
    """Undo the last decision about a signature, or take back the question that was asked since.

    Raises:
        TransitionNotAllowed: when its last transition was not a decision, and no question is open.
        EditConflict: when somebody else changed the signature since `as_of`.
    """
    locked = lock(signature)
    check_conflict(locked, by=by, as_of=as_of)
    last = audit_log.last_transition(locked.pk)
    asked = audit_log.newest_about(AuditAction.ASK, locked.pk) if Flag.ASKED in locked.flags else None
    if asked is not None and (last is None or asked.pk > last.pk):
        return _take_question_back(locked, asked, by=by)
    if last is None or not reverse([last.pk], by=by):
        raise TransitionNotAllowed("There is no decision to undo.")
    locked.refresh_from_db()
    return locked


def reverse(entries: Sequence[int], *, by: int, run: int | None = None) -> list[int]:
    """Reverse the decisions with these audit entries, and return the ids of the restored signatures.

    The state and the day come back, and the flags that the decision removed; flags that came later stay. Other entries
    than decisions are passed over.

    Args:
        entries: the ids of audit entries, each the last transition of its signature. The caller has locked these.
        by: the account id of the member of staff.
        run: the entry with which the undoing of a decision about many began (`undo_runs`).
    """
    parameters: dict[str, Any] = {
        "entries": list(entries),
        "actions": [*TARGET_STATE, AuditAction.INVALIDATE],
        "ended_flags": list(FLAGS_ENDED_BY_DECISION),
        "added_flags": ADDED_FLAGS[AuditAction.HOLD],
        "action": AuditAction.UNDO,
        "staff_id": by,
        "run": run,
        "at": timezone.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_UNDO, parameters)
        (restored,) = cursor.fetchone()
    return list(restored)


def _take_question_back(locked: Signature, asked: AuditEntry, *, by: int) -> Signature:
    """Take an open question back, with its email if that was not sent. An answer that it replaced comes back."""
    answered = asked.detail.get("answered")
    locked.question = answered or ""
    locked.flags = sorted({*locked.flags} - {Flag.ASKED} | ({Flag.ANSWERED} if answered else set()))
    queue.discard_question(locked.pk)
    audit_log.record(
        AuditAction.UNDO_ASK, staff_id=by, letter_id=locked.letter_id, signature_id=locked.pk, reason=asked.reason
    )
    locked.save(update_fields=["question", "flags"])
    return locked


def approve_unflagged() -> int:
    """Approve waiting signatures without a flag, for letters that are moderated after publication.

    Signatures that a person decided before are left alone: otherwise an approval that was undone would come back within
    a minute.

    Returns the number of approved signatures.
    """
    letters = Letter.objects.filter(moderation=Letter.Moderation.AFTER)
    decided = AuditEntry.objects.filter(signature_id=OuterRef("pk"), staff_id__isnull=False).exclude(now="")
    waiting = Signature.objects.filter(~Exists(decided), letter__in=letters, state=State.WAITING, flags=[])
    return decide(AuditAction.APPROVE, waiting, by=None, reason="rule of the letter").decided
