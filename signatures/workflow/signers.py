"""What the people who sign do: sign, confirm, change their words, answer a question."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from campaign.models import Letter, Translation
from signatures import finding, limits, mailboxes, names, post, suspicion, trail
from signatures.models import Audience, Kind, Signature, State
from signatures.workflow.decisions import ASKED
from signatures.workflow.moves import FROM, NotAllowed, lock, move


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
    speaker: str = ""


# One statement for every case, so that its time tells nothing (rule 4): a mailbox that is new makes a row, one that is
# unconfirmed or withdrew takes the new words, and in any other state nothing changes.
_OPEN = "signatures_signature.state IN ('unconfirmed', 'withdrawn')"
_FIELDS = (
    "translation_id", "name", "role", "organisation", "speaker", "country", "comment", "visibility", "language",
    "sealed_address", "flags", "signed_up_at", "domains", "network", "marks",
)  # fmt: skip
_TAKEN = ", ".join(
    f"{field} = CASE WHEN {_OPEN} THEN EXCLUDED.{field} ELSE signatures_signature.{field} END" for field in _FIELDS
)
_TYPED = ", ".join(f"%({field})s" for field in _FIELDS)
_SIGN = f"""
    INSERT INTO signatures_signature (public_id, letter_id, kind, mailbox_key, paper, state, {", ".join(_FIELDS)})
    SELECT gen_random_uuid(), %(letter_id)s, %(kind)s, %(mailbox_key)s, FALSE, 'unconfirmed', {_TYPED}
    FROM campaign_letter WHERE id = %(letter_id)s AND state = 'open'
    ON CONFLICT (letter_id, kind, mailbox_key) DO UPDATE SET
        {_TAKEN},
        state = CASE WHEN {_OPEN} THEN 'unconfirmed' ELSE signatures_signature.state END,
        confirmed_at = CASE WHEN {_OPEN} THEN NULL ELSE signatures_signature.confirmed_at END,
        approved_on = CASE WHEN {_OPEN} THEN NULL ELSE signatures_signature.approved_on END
    RETURNING id
"""  # noqa: S608  built from the names of columns above


@transaction.atomic
def sign(
    answer: Answer,
    *,
    address: str,
    updates: bool,
    network: str = "",
    marks: Collection[str] = (),
    may_mail: bool = True,
) -> None:
    """Take down an unconfirmed signature and queue the mail with its link, or neither.

    The same for every state the mailbox may be in; what differs is said in the mail, unless the limits let no further
    mail go there (`may_mail`).

    Raises:
        NotAllowed: when signing was paused or closed, however short ago and by whatever process.
    """
    pepper = settings.MAILBOX_PEPPER
    key = mailboxes.key(address, pepper=pepper)
    now = timezone.now()
    values = {
        "letter_id": answer.translation.revision.letter_id,
        "translation_id": answer.translation.pk,
        "mailbox_key": key,
        "sealed_address": mailboxes.seal(address, public_key=settings.KEEPER_PUBLIC_KEY) if updates else None,
        "signed_up_at": now,
        "domains": [mailboxes.domain_key(domain, pepper=pepper) for domain in mailboxes.domains_of(address)],
        "network": limits.network_key(network, now) if network else "",
        "marks": list(marks),
        "flags": list(answer.flags),
        **{field: getattr(answer, field) for field in ("kind", *Signature.WORDS, "country", "visibility", "language")},
    }
    with connection.cursor() as cursor:
        cursor.execute(_SIGN, values)
        found = cursor.fetchone()
    if found is None:
        raise NotAllowed("The letter takes no signatures now.")
    if may_mail:
        post.queue(list(found), language=answer.language, address=address, remind=True)


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
            name = %(name)s, role = %(role)s, organisation = %(organisation)s, speaker = %(speaker)s,
            comment = %(comment)s, likeness = %(likeness)s, sort_key = %(sort_key)s, folded = %(folded)s,
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
        **(words := _words(answer)),
        **_made_of(words),
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


@transaction.atomic
def change(signature: Signature, answer: Answer, *, no_updates: bool = False) -> Signature:
    """Put other words, another country or another audience in the place of those that stand.

    Changed words wait again, and the old ones are hidden at once; a narrower audience, or a wider one with the words
    that were read, takes effect without a second look. Kind and text stay as they were confirmed.

    Raises:
        NotAllowed: unless it is confirmed.
    """
    locked = lock(signature)
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
    for field, value in (words | _made_of(words)).items():
        setattr(locked, field, value)
    locked.country, locked.visibility, locked.flags = answer.country, answer.visibility, _answered(flags)
    if no_updates:
        locked.sealed_address = None
    to = was
    if is_reworded or was == State.WAITING:
        to = State.APPROVED if _stands_at_once(answer) and not flags else State.WAITING
    if answer.visibility == Audience.COUNTED:
        locked.notable = None
    changed = [*words, *Signature.OF_NAME, "country", "visibility", "flags", "sealed_address", "notable"]
    return move(locked, to, action="change", changed=changed)


@transaction.atomic
def answer(signature: Signature) -> Signature:
    """Answer the question of staff with "it is right as it stands".

    Raises:
        NotAllowed: when nothing is asked.
    """
    locked = lock(signature)
    if locked.state != State.WAITING or ASKED not in locked.flags:
        raise NotAllowed("Nothing is asked.")
    locked.flags = _answered(locked.flags)
    trail.add("answer", letter_id=locked.letter_id, signature_id=locked.pk)
    locked.save(update_fields=["flags"])
    return locked


def _answered(flags: Collection[str]) -> list[str]:
    """These flags once the signer did something about a question."""
    return sorted({"answered" if flag == ASKED else flag for flag in flags})


def _words(answer: Answer) -> dict[str, str]:
    """The words that are stored: none of who asks to be counted without a name."""
    if answer.visibility == Audience.COUNTED:
        return dict.fromkeys(Signature.WORDS, "")
    return {field: getattr(answer, field) for field in Signature.WORDS}


def _made_of(words: Mapping[str, str]) -> dict[str, str]:
    """What stands beside confirmed words, so that they are compared, put in order and found."""
    name = words["name"]
    return {
        "likeness": suspicion.likeness(name),
        "sort_key": names.sort_key(name),
        "folded": finding.findable(name, words["organisation"]),
    }


def _stands_at_once(answer: Answer) -> bool:
    """Whether this needs nobody to read it, as long as it has no flag."""
    return (
        answer.visibility == Audience.COUNTED
        or answer.translation.revision.letter.moderation == Letter.Moderation.AFTER
    )
