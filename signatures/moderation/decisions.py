"""What staff decide: approve, reject, hold, ask, undo; one signature or many at once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection, transaction
from django.utils import timezone
from nacl.public import PrivateKey

from campaign.models import Letter
from signatures.audit import audit_log
from signatures.models import AuditEntry, OutboxMail, Question, Signature, SignatureQuerySet
from signatures.outbox import queue
from signatures.registries import FLAGS_ENDED_BY_DECISION, READ_ACTIONS, AuditAction, Flag
from signatures.states import ALLOWED_FROM, State
from signatures.transitions import TransitionNotAllowed, check_conflict, lock, save_transition
from signatures.values import sealing

TARGET_STATE = {
    AuditAction.APPROVE: State.APPROVED,
    AuditAction.REJECT: State.REJECTED,
    AuditAction.HOLD: State.WAITING,
}
MAX_NAMED = 5  # of how many that were left as they are the numbers are told


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a decision about many: how many moved, how many could not (the first by number), its entries."""

    done: int
    refused: int
    first: int | None = None
    last: int | None = None
    left: Sequence[int] = ()


# One statement for any number: lock, look whether the move is allowed, save, and write the trail. What undo needs goes
# into the entry. A decision ends a hold. What anybody else did since the entry that the decision knows of is not
# overwritten (SECURITY.md A7): it stands in the trail, or, where it was committed while this statement waited for the
# lock, the row is another version than the one in this statement's snapshot.
_DECIDE = """
    WITH chosen AS MATERIALIZED (
        SELECT id, letter_id, state, approved_on, flags, ctid AS version FROM signatures_signature
        WHERE id IN ({chosen}) ORDER BY id FOR UPDATE
    ), unchanged AS (
        SELECT chosen.* FROM chosen JOIN signatures_signature AS seen ON seen.id = chosen.id AND seen.ctid = version
        WHERE %s::bigint IS NULL OR NOT EXISTS (
            SELECT FROM signatures_auditentry AS entry
            WHERE entry.signature_id = chosen.id AND entry.id > %s AND entry.staff_id IS DISTINCT FROM %s
                AND entry.action <> ALL (%s)
        )
    ), moved AS (
        UPDATE signatures_signature AS signature SET
            state = %s,
            approved_on = CASE WHEN %s THEN COALESCE(chosen.approved_on, %s) END,
            flags = ARRAY(
                SELECT flag FROM unnest(chosen.flags) AS flag WHERE flag <> ALL (%s)
            ) || %s::varchar(20)[]
        FROM unchanged AS chosen
        WHERE signature.id = chosen.id AND chosen.state = ANY (%s) AND NOT %s::varchar(20)[] && chosen.flags
        RETURNING chosen.*, signature.state AS now, signature.flags AS left_with
    ), told AS (
        INSERT INTO signatures_auditentry (at, action, staff_id, letter_id, signature_id, was, now, reason, detail)
        SELECT %s, %s, %s, letter_id, id, state, now, %s, jsonb_strip_nulls(jsonb_build_object(
            'approved_on', approved_on,
            'flags', CASE WHEN flags <> left_with THEN array_to_string(flags, ' ') END
        )) FROM moved ORDER BY id
        RETURNING id
    )
    SELECT (SELECT count(*) FROM chosen), count(*), min(id), max(id), ARRAY(
        SELECT id FROM chosen WHERE id NOT IN (SELECT id FROM moved) ORDER BY id LIMIT {left}
    ) FROM told
"""


def decide(
    action: AuditAction,
    chosen: SignatureQuerySet,
    *,
    by: int | None,
    reason: str = "",
    seen: Collection[State] | None = None,
    as_of: int | None = None,
) -> Decided:
    """Approve, reject or hold all of these; those whose state does not allow it are left as they are.

    Args:
        action: APPROVE, REJECT or HOLD.
        chosen: which signatures.
        by: the number of the member of staff; None for a rule.
        reason: why, for the trail.
        seen: the states that whoever decides saw them in; what is in another by now was decided by somebody else.
        as_of: the newest entry of the trail when they saw them (`trail.newest`); what anybody else did something with
            since then is left as it is. None: nobody looked.

    Raises:
        NotAllowed: when a rejection has no reason.
    """
    if action == AuditAction.REJECT and not reason.strip():
        raise TransitionNotAllowed("A rejection needs a reason.")
    allowed = ALLOWED_FROM[action] if seen is None else ALLOWED_FROM[action] & set(seen)
    now = timezone.now()
    which, parameters = chosen.order_by().values("pk").query.sql_with_params()
    added = [Flag.HOLD] if action == AuditAction.HOLD else []
    values = [
        *parameters, as_of, as_of, by, list(READ_ACTIONS),
        TARGET_STATE[action], action == AuditAction.APPROVE, now.date(), list(FLAGS_ENDED_BY_DECISION), added,
        sorted(allowed), added,
        now, action, by, reason.strip(),
    ]  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_DECIDE.format(chosen=which, left=MAX_NAMED), values)
        found, done, first, last, left = cursor.fetchone()
    return Decided(done, found - done, first, last, left)


def approve(signature: Signature, *, by: int) -> None:
    """Let a signature stand.

    Raises:
        NotAllowed: unless it waits or was rejected.
    """
    _one(AuditAction.APPROVE, signature, by=by)


def reject(signature: Signature, *, by: int, reason: str) -> None:
    """Do not let a signature stand.

    Raises:
        NotAllowed: unless it waits or is approved, or when no reason is given.
    """
    _one(AuditAction.REJECT, signature, by=by, reason=reason)


def hold(signature: Signature, *, by: int, reason: str = "") -> None:
    """Put a signature aside, with a flag: it waits, and what was shown of it is hidden.

    Raises:
        NotAllowed: unless it waits or is approved, and is not put aside already.
    """
    _one(AuditAction.HOLD, signature, by=by, reason=reason)


@transaction.atomic
def ask_question(signature: Signature, *, by: int, question: str, as_of: int | None = None) -> Signature:
    """Ask the signer a question of the list: it stands on the personal page, and the signature waits with a flag.

    Who left an address for updates can be told by mail, where the keeper's key is (`queue_questions`).

    Raises:
        NotAllowed: unless it waits, and this question is on the list.
        Overtaken: when somebody else did something with it since `as_of`.
    """
    locked = lock(signature)
    check_conflict(locked, by=by, as_of=as_of)
    if locked.state != State.WAITING or not Question.objects.filter(code=question).exists():
        raise TransitionNotAllowed("It does not wait, or there is no such question.")
    locked.question, locked.flags = question, sorted({*locked.flags, Flag.ASKED} - {Flag.ANSWERED})
    audit_log.record(AuditAction.ASK, staff_id=by, letter_id=locked.letter_id, signature_id=locked.pk, reason=question)
    locked.save(update_fields=["question", "flags"])
    return locked


@transaction.atomic
def queue_questions(private_key: PrivateKey) -> int:
    """Queue a mail to each signer who was asked and left an address for updates, one for each; how many.

    Raises:
        mailboxes.CannotOpen: when an address was sealed to another key.
    """
    asked = Signature.objects.filter(state=State.WAITING, flags__contains=[Flag.ASKED], sealed_address__isnull=False)
    queued = 0
    for row in asked.exclude(mails__kind=OutboxMail.Kind.QUESTION).select_for_update(of=("self",)):
        address = sealing.unseal(row.sealed_address or b"", private_key=private_key)
        queued += queue.enqueue([row.pk], language=row.language, address=address, kind=OutboxMail.Kind.QUESTION)
    audit_log.record(AuditAction.QUEUE_QUESTIONS, detail={"number": queued})
    return queued


def _one(action: AuditAction, signature: Signature, *, by: int, reason: str = "") -> None:
    if not decide(action, Signature.objects.filter(pk=signature.pk), by=by, reason=reason).done:
        raise TransitionNotAllowed(f"{action} is not allowed from where it stands.")


@transaction.atomic
def undo(signature: Signature, *, by: int, as_of: int | None = None) -> Signature:
    """Put a signature back to the state and the flags that its last decision by staff left.

    Raises:
        NotAllowed: when its last move was not such a decision.
        Overtaken: when somebody else did something with it since `as_of`.
    """
    locked = lock(signature)
    check_conflict(locked, by=by, as_of=as_of)
    last = audit_log.last_transition(locked.pk)
    if last is None or last.action not in {*TARGET_STATE, AuditAction.INVALIDATE} or last.now != locked.state:
        raise TransitionNotAllowed("There is no decision to undo.")
    changed = []
    if "flags" in last.detail:
        locked.flags, changed = last.detail["flags"].split(), ["flags"]
    return save_transition(
        locked, State(last.was), action=AuditAction.UNDO, by=by, approved_on=_day_of(last), changed=changed
    )


def _day_of(entry: AuditEntry) -> date | None:
    """The day of approval to go back to, kept in the entry that left it."""
    return date.fromisoformat(entry.detail["approved_on"]) if "approved_on" in entry.detail else None


def approve_unflagged() -> int:
    """Approve what waits without a flag under letters that staff let do so; how many.

    What a person decided once is left alone: an undone approval would come back within the minute.
    """
    letters = Letter.objects.filter(moderation=Letter.Moderation.AFTER)
    decided = AuditEntry.objects.filter(staff_id__isnull=False).exclude(now="").values("signature_id")
    waiting = Signature.objects.filter(letter__in=letters, state=State.WAITING, flags=[])
    return decide(AuditAction.APPROVE, waiting.exclude(pk__in=decided), by=None, reason="rule of the letter").done
