"""Every change of a signature's state: sign, confirm, withdraw, approve, reject, undo.

A verb locks the row, checks that the move is allowed, writes the trail, and saves what changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from campaign.models import Letter, Translation
from signatures import mailboxes, post, suspicion, trail
from signatures.models import Audience, Mail, Signature, State, TrailEntry

# From which states each verb may set out.
FROM = {
    "confirm": {State.UNCONFIRMED},
    "approve": {State.WAITING, State.REJECTED},
    "reject": {State.WAITING, State.APPROVED},
    "withdraw": set(State) - {State.WITHDRAWN},
}
UNDOABLE = {"approve", "reject"}


class NotAllowed(Exception):
    """The state that the signature is in does not allow this move."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody put under a letter: the words, for whom, under which text."""

    translation: Translation
    kind: str
    name: str
    role: str
    organisation: str
    country: str
    comment: str
    visibility: str
    language: str
    flags: Sequence[str] = ()


# One statement for every case, so that its time tells nothing (rule 4): a mailbox that is new makes a row, one that is
# unconfirmed or withdrew takes the new words, and in any other state nothing changes.
_OPEN = "signatures_signature.state IN ('unconfirmed', 'withdrawn')"
_FIELDS = (
    "translation_id", "name", "role", "organisation", "country", "comment", "visibility", "language",
    "sealed_address", "flags", "signed_up_at",
)  # fmt: skip
_TAKEN = ", ".join(
    f"{field} = CASE WHEN {_OPEN} THEN EXCLUDED.{field} ELSE signatures_signature.{field} END" for field in _FIELDS
)
_TYPED = ", ".join(f"%({field})s" for field in _FIELDS)
_SIGN = f"""
    INSERT INTO signatures_signature (public_id, letter_id, kind, mailbox_key, paper, state, {", ".join(_FIELDS)})
    VALUES (gen_random_uuid(), %(letter_id)s, %(kind)s, %(mailbox_key)s, FALSE, 'unconfirmed', {_TYPED})
    ON CONFLICT (letter_id, kind, mailbox_key) DO UPDATE SET
        {_TAKEN},
        state = CASE WHEN {_OPEN} THEN 'unconfirmed' ELSE signatures_signature.state END,
        confirmed_at = CASE WHEN {_OPEN} THEN NULL ELSE signatures_signature.confirmed_at END,
        approved_on = CASE WHEN {_OPEN} THEN NULL ELSE signatures_signature.approved_on END
    RETURNING id
"""  # noqa: S608  built from the names of columns above


@transaction.atomic
def sign(answer: Answer, *, address: str, updates: bool) -> None:
    """Take down an unconfirmed signature and queue the mail with its link, or neither.

    The same for every state the mailbox may be in; what differs is said in the mail.
    """
    values = {
        "letter_id": answer.translation.revision.letter_id,
        "translation_id": answer.translation.pk,
        "mailbox_key": mailboxes.key(address, pepper=settings.MAILBOX_PEPPER),
        "sealed_address": mailboxes.seal(address, public_key=settings.KEEPER_PUBLIC_KEY) if updates else None,
        "signed_up_at": timezone.now(),
        "flags": list(answer.flags),
        **{
            field: getattr(answer, field)
            for field in ("kind", "name", "role", "organisation", "country", "comment", "visibility", "language")
        },
    }
    with connection.cursor() as cursor:
        cursor.execute(_SIGN, values)
        (signature_id,) = cursor.fetchone()
    post.queue(signature_id, kind=Mail.Kind.LINK, language=answer.language, address=address)


@transaction.atomic
def confirm(signature: Signature, answer: Answer) -> Signature:
    """What is posted is what is signed: these words, under this text, whatever anybody else typed before.

    Raises:
        NotAllowed: when it is no longer unconfirmed.
    """
    locked = _lock(signature)
    if (
        answer.kind != locked.kind
        and Signature.objects.filter(letter=locked.letter_id, kind=answer.kind, mailbox_key=locked.mailbox_key).exists()
    ):
        raise NotAllowed("This mailbox has signed as that already.")
    # How the form was sent still counts; what the old words said does not.
    flags = sorted({*set(locked.flags) - suspicion.OF_WORDS, *answer.flags})
    locked.confirmed_at = timezone.now()
    locked.translation, locked.kind, locked.flags = answer.translation, answer.kind, flags
    locked.country, locked.visibility, locked.language = answer.country, answer.visibility, answer.language
    words = (
        dict.fromkeys(Signature.WORDS, "")
        if answer.visibility == Audience.COUNTED
        else {field: getattr(answer, field) for field in Signature.WORDS}
    )
    for field, value in words.items():
        setattr(locked, field, value)
    at_once = (
        answer.visibility == Audience.COUNTED
        or answer.translation.revision.letter.moderation == Letter.Moderation.AFTER
    )
    to = State.APPROVED if at_once and not flags else State.WAITING
    changed = ["confirmed_at", "translation", "kind", "flags", "country", "visibility", "language", *words]
    return _move(locked, to, action="confirm", changed=changed)


@transaction.atomic
def withdraw(signature: Signature) -> Signature:
    """Take the name back: the words and the kept address go at once.

    Raises:
        NotAllowed: when it was withdrawn before.
    """
    locked = _lock(signature)
    for field in (*Signature.WORDS, "country"):
        setattr(locked, field, "")
    locked.sealed_address, locked.flags = None, []
    return _move(
        locked, State.WITHDRAWN, action="withdraw", changed=[*Signature.WORDS, "country", "sealed_address", "flags"]
    )


@transaction.atomic
def approve(signature: Signature, *, by: int, reason: str = "") -> Signature:
    """Let a signature stand.

    Raises:
        NotAllowed: unless it waits or was rejected.
    """
    return _move(_lock(signature), State.APPROVED, action="approve", by=by, reason=reason)


@transaction.atomic
def reject(signature: Signature, *, by: int, reason: str) -> Signature:
    """Do not let a signature stand.

    Raises:
        NotAllowed: unless it waits or is approved, or when no reason is given.
    """
    if not reason.strip():
        raise NotAllowed("A rejection needs a reason.")
    return _move(_lock(signature), State.REJECTED, action="reject", by=by, reason=reason.strip())


@transaction.atomic
def undo(signature: Signature, *, by: int) -> Signature:
    """Put a signature back to the state that its last decision by staff left.

    Raises:
        NotAllowed: when its last move was not such a decision.
    """
    locked = _lock(signature)
    last = trail.last_move(locked.pk)
    if last is None or last.action not in UNDOABLE or last.now != locked.state:
        raise NotAllowed("There is no decision to undo.")
    return _save(locked, State(last.was), action="undo", by=by, approved_on=_day_of(last))


def _day_of(entry: TrailEntry) -> date | None:
    """The day of approval to go back to, kept in the entry that left it."""
    return date.fromisoformat(entry.detail["approved_on"]) if "approved_on" in entry.detail else None


def _lock(signature: Signature) -> Signature:
    return Signature.objects.select_for_update().get(pk=signature.pk)


def _move(
    locked: Signature, to: State, *, action: str, by: int | None = None, reason: str = "", changed: Sequence[str] = ()
) -> Signature:
    if State(locked.state) not in FROM[action]:
        raise NotAllowed(f"{locked.state} → {to}")
    today = timezone.now().date() if to == State.APPROVED else None
    return _save(locked, to, action=action, by=by, reason=reason, changed=changed, approved_on=today)


def _save(
    locked: Signature,
    to: State,
    *,
    action: str,
    approved_on: date | None,
    by: int | None = None,
    reason: str = "",
    changed: Sequence[str] = (),
) -> Signature:
    was = State(locked.state)
    kept: Mapping[str, str] = {"approved_on": locked.approved_on.isoformat()} if locked.approved_on else {}
    trail.add(
        action, staff_id=by, letter_id=locked.letter_id, signature_id=locked.pk, was=was, now=to, reason=reason, **kept
    )
    locked.state, locked.approved_on = to, approved_on
    locked.save(update_fields=["state", "approved_on", *changed])
    return locked
