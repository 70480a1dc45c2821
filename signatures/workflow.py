"""Every change of a signature's state: sign, confirm, change, withdraw, erase, approve, reject, undo.

A verb locks the row, checks that the move is allowed, writes the trail, and saves what changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from campaign.models import Letter, Translation
from signatures import mailboxes, post, suspicion, trail
from signatures.models import Audience, Kind, Signature, Silence, State, Tombstone, TrailEntry

# From which states each verb may set out.
FROM = {
    "confirm": {State.UNCONFIRMED},
    "change": {State.WAITING, State.APPROVED, State.REJECTED},
    "approve": {State.WAITING, State.REJECTED},
    "reject": {State.WAITING, State.APPROVED},
    "withdraw": set(State) - {State.WITHDRAWN},
}
UNDOABLE = {"approve", "reject"}
SILENT_FOR = timedelta(days=30)  # SECURITY.md S20: not for ever


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
def sign(answer: Answer, *, address: str, updates: bool, may_mail: bool = True) -> None:
    """Take down an unconfirmed signature and queue the mail with its link, or neither.

    The same for every state the mailbox may be in; what differs is said in the mail, unless the limits let no further
    mail go there (`may_mail`).
    """
    key = mailboxes.key(address, pepper=settings.MAILBOX_PEPPER)
    values = {
        "letter_id": answer.translation.revision.letter_id,
        "translation_id": answer.translation.pk,
        "mailbox_key": key,
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
    if may_mail:
        post.queue([signature_id], language=answer.language, address=address, remind=True)


@transaction.atomic
def send_link(letter: Letter, *, address: str, language: str, may_mail: bool = True) -> None:
    """Send the personal link again to whoever lost it; nothing where this mailbox has signed nothing."""
    key = mailboxes.key(address, pepper=settings.MAILBOX_PEPPER)
    found = Signature.objects.filter(letter=letter, kind__in=Kind.values, mailbox_key=key).select_for_update()
    # Asked for even when there is nothing, so that the time tells nothing (rule 4).
    post.queue(list(found.values_list("pk", flat=True)) if may_mail else [], language=language, address=address)


# One statement: it locks the row, looks whether the move is allowed, saves, and writes the trail, or none of it. How
# the form was sent still counts; what the old words said does not. The reminder has become pointless.
_FLAGS_KEPT = """ARRAY(
    SELECT DISTINCT flag FROM unnest(signatures_signature.flags || %(flags)s::text[]) AS flag
    WHERE flag = ANY (%(flags)s) OR flag <> ALL (%(of_words)s)
        OR (flag = 'similar' AND (signatures_signature.name, signatures_signature.country) = (%(typed)s, %(country)s))
    ORDER BY flag
)::varchar(20)[]"""
_CONFIRM = f"""
    WITH confirmed AS (
        UPDATE signatures_signature SET
            state = CASE WHEN %(at_once)s AND {_FLAGS_KEPT} = '{{}}' THEN 'approved' ELSE 'waiting' END,
            approved_on = CASE WHEN %(at_once)s AND {_FLAGS_KEPT} = '{{}}' THEN %(now)s::date END,
            flags = {_FLAGS_KEPT}, confirmed_at = %(now)s, translation_id = %(translation_id)s, kind = %(kind)s,
            name = %(name)s, role = %(role)s, organisation = %(organisation)s, comment = %(comment)s,
            country = %(country)s, visibility = %(visibility)s, language = %(language)s,
            sealed_address = CASE WHEN %(no_updates)s THEN NULL ELSE sealed_address END
        WHERE id = %(id)s AND state = ANY (%(from)s)
        RETURNING id, letter_id, state
    ), told AS (
        INSERT INTO signatures_trailentry (at, action, letter_id, signature_id, was, now, reason, detail)
        SELECT %(now)s, 'confirm', letter_id, id, 'unconfirmed', state, '', '{{}}' FROM confirmed
    ), dropped AS (
        DELETE FROM signatures_mail USING confirmed
        WHERE signature_id = confirmed.id AND signatures_mail.kind = 'reminder' AND recipient IS NOT NULL
    )
    SELECT id FROM confirmed
"""  # noqa: S608  built from the fragments above


def confirm(signature: Signature, answer: Answer, *, no_updates: bool = False) -> None:
    """What is posted is what is signed: these words, under this text, whatever anybody else typed before.

    Raises:
        NotAllowed: when it is no longer unconfirmed, when the letter has been closed for 24 hours, or when this mailbox
            has signed as that kind already.
    """
    letter = answer.translation.revision.letter
    if not letter.takes_confirmations():
        raise NotAllowed("The letter is closed.")
    values: dict[str, Any] = {
        "id": signature.pk,
        "from": list(FROM["confirm"]),
        "now": timezone.now(),
        "at_once": _stands_at_once(answer),
        "flags": list(answer.flags),
        "of_words": list(suspicion.OF_WORDS),
        "typed": answer.name,
        "no_updates": no_updates,
        "translation_id": answer.translation.pk,
        "country": answer.country,
        "kind": answer.kind,
        "visibility": answer.visibility,
        "language": answer.language,
        **_words(answer),
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute(_CONFIRM, values)
            if cursor.fetchone() is None:
                raise NotAllowed("It is no longer unconfirmed.")
    except IntegrityError as error:
        if "one_signature_per_mailbox" in str(error):
            raise NotAllowed("This mailbox has signed as that already.") from None
        raise


@contextmanager
def held(signature: Signature) -> Iterator[Signature]:
    """Let nobody else act on a signature meanwhile; what is done while it is held is undone if a verb refuses.

    Raises:
        NotAllowed: when it is gone.
    """
    with transaction.atomic():
        yield _lock(signature)


@transaction.atomic
def change(signature: Signature, answer: Answer, *, no_updates: bool = False) -> Signature:
    """Put other words, another country or another audience in the place of those that stand.

    Changed words wait again, and the old ones are hidden at once; a narrower audience, or a wider one with the words
    that were read, takes effect without a second look. Kind and text stay as they were confirmed.

    Raises:
        NotAllowed: unless it is confirmed.
    """
    locked = _lock(signature)
    was = State(locked.state)
    words = _words(answer)
    is_reworded = answer.visibility != Audience.COUNTED and any(
        getattr(locked, field) != value for field, value in words.items()
    )
    typed_alike = (locked.name, locked.country) == (answer.name, answer.country)
    kept = set(locked.flags) - (suspicion.OF_WORDS - {"similar"} if typed_alike else suspicion.OF_WORDS)
    flags = kept | set(answer.flags) if is_reworded else set(locked.flags)
    if is_reworded and was == State.REJECTED:
        flags.add("rejected-before")
    for field, value in words.items():
        setattr(locked, field, value)
    locked.country, locked.visibility, locked.flags = answer.country, answer.visibility, sorted(flags)
    if no_updates:
        locked.sealed_address = None
    to = was
    if is_reworded or was == State.WAITING:
        to = State.APPROVED if _stands_at_once(answer) and not flags else State.WAITING
    return _move(locked, to, action="change", changed=[*words, "country", "visibility", "flags", "sealed_address"])


def _words(answer: Answer) -> dict[str, str]:
    """The words that are stored: none of who asks to be counted without a name."""
    if answer.visibility == Audience.COUNTED:
        return dict.fromkeys(Signature.WORDS, "")
    return {field: getattr(answer, field) for field in Signature.WORDS}


def _stands_at_once(answer: Answer) -> bool:
    """Whether this needs nobody to read it, as long as it has no flag."""
    return (
        answer.visibility == Audience.COUNTED
        or answer.translation.revision.letter.moderation == Letter.Moderation.AFTER
    )


@transaction.atomic
def withdraw(signature: Signature) -> Signature:
    """Take the name back: the words, the kept address and the mails that were still to go, go at once.

    Raises:
        NotAllowed: when it was withdrawn before.
    """
    locked = _lock(signature)
    for field in (*Signature.WORDS, "country"):
        setattr(locked, field, "")
    locked.sealed_address, locked.flags = None, []
    done = _move(
        locked, State.WITHDRAWN, action="withdraw", changed=[*Signature.WORDS, "country", "sealed_address", "flags"]
    )
    post.drop(locked.pk)
    return done


@transaction.atomic
def erase(signature: Signature, *, action: str = "erase") -> None:
    """Delete the row and all that hangs on it. A tombstone keeps it from coming back out of a backup.

    Raises:
        NotAllowed: when it is gone already.
    """
    locked = _lock(signature)
    if locked.mailbox_key is not None:
        Tombstone.objects.bulk_create(
            [
                Tombstone(
                    letter_id=locked.letter_id, kind=locked.kind, mailbox_key=locked.mailbox_key, at=timezone.now()
                )
            ],
            update_conflicts=True,
            unique_fields=["letter_id", "kind", "mailbox_key"],
            update_fields=["at"],
        )
    trail.add(action, letter_id=locked.letter_id, signature_id=locked.pk, was=locked.state, now="erased")
    locked.delete()


@transaction.atomic
def not_me(signature: Signature) -> None:
    """Somebody else typed this address: delete the row, and send that mailbox no mail for `SILENT_FOR`.

    Raises:
        NotAllowed: when it is gone already.
    """
    erase(signature, action="not-me")
    if signature.mailbox_key is not None:
        Silence.objects.update_or_create(
            mailbox_key=bytes(signature.mailbox_key), defaults={"until": timezone.now() + SILENT_FOR}
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
    locked = Signature.objects.select_for_update().filter(pk=signature.pk).first()
    if locked is None:
        raise NotAllowed("It is gone.")
    return locked


def _move(
    locked: Signature, to: State, *, action: str, by: int | None = None, reason: str = "", changed: Sequence[str] = ()
) -> Signature:
    if State(locked.state) not in FROM[action]:
        raise NotAllowed(f"{locked.state} → {to}")
    today = (locked.approved_on or timezone.now().date()) if to == State.APPROVED else None
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
    kept: Mapping[str, str | int] = {"approved_on": locked.approved_on.isoformat()} if locked.approved_on else {}
    trail.add(
        action,
        staff_id=by,
        letter_id=locked.letter_id,
        signature_id=locked.pk,
        was=was,
        now=to,
        reason=reason,
        detail=kept,
    )
    locked.state, locked.approved_on = to, approved_on
    locked.save(update_fields=["state", "approved_on", *changed])
    return locked
