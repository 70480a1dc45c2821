"""Changes by the signer after confirming."""

from collections.abc import Collection
from typing import Any

from django.db import transaction

from campaign.models import Letter
from signatures.audit import audit_log
from signatures.models import Signature, SignerRequest
from signatures.registries import FLAGS_OF_WORDS, AuditAction, Flag
from signatures.registries.typed_fields import WORDS
from signatures.signing import mailbox_places
from signatures.signing.answers import mark_answered
from signatures.signing.mailbox_places import lock_mailbox
from signatures.signing.signer_input import SignerInput
from signatures.states import State, Visibility
from signatures.transitions import TransitionNotAllowed, check_allowed, lock, transition
from signatures.values import names


@transaction.atomic
def change(
    signature: Signature,
    typed: SignerInput,
    *,
    flags: Collection[str] = (),
    gathered: Collection[str] = (),
    no_updates: bool = False,
    sealed_address: bytes | memoryview | None = None,
    question_address: bytes | memoryview | None = None,
) -> Signature:
    """Replace the words, the country and the visibility of a confirmed signature.

    New words are reviewed again, and the former ones are hidden at once. Another visibility with the same words takes
    effect without a review. Kind and text stay as they were confirmed. A change of nothing leaves no trace.

    Args:
        signature: what is changed.
        typed: the new values.
        flags: those that the new words raise.
        gathered: flags of submissions that must not be lost.
        no_updates: delete the address kept for updates.
        sealed_address: keep this address for updates from now on.
        question_address: keep this address for a question of staff, if it waits afterwards.

    Raises:
        NoPlace: when the same mailbox has another signature with this name.
        TransitionNotAllowed: unless it is confirmed.
    """
    lock_mailbox(signature)
    locked = lock(signature)
    check_allowed(locked, AuditAction.CHANGE)
    mailbox_places.check_name(locked, typed.values["name"])
    stored = {**typed.values, "kind": locked.kind, **_hidden(locked, typed.values["visibility"])}
    needs_look, new_state = _needs_look(locked, typed), State(locked.state)
    new_flags = set(gathered) | (_flags_after(locked, typed, flags) if needs_look else {*locked.flags})
    if needs_look or not new_flags <= {*locked.flags} or new_state == State.WAITING:
        if new_state == State.REJECTED:
            new_flags.add(Flag.REJECTED_BEFORE)
        new_state = State.APPROVED if typed.needs_no_review and not new_flags else State.WAITING
    after: dict[str, Any] = {**stored, **names.search_columns(stored["name"], stored["organization"])}
    after["flags"] = locked.flags if new_flags == {*locked.flags} - {Flag.ASKED} else mark_answered(new_flags)
    after["sealed_address"] = None if no_updates else locked.sealed_address
    if sealed_address is not None and not no_updates:
        after["sealed_address"] = sealed_address
    if question_address is not None and new_state == State.WAITING:
        after["question_address"] = question_address
    if typed.is_counted_only:
        after["featured_position"] = None
    changed = [field for field, value in after.items() if getattr(locked, field) != value]
    if not changed and new_state == locked.state:
        return locked
    for field in changed:
        setattr(locked, field, after[field])
    detail = {"unseen": "country"} if "country" in changed and new_state == State.APPROVED else {}
    return transition(locked, new_state, action=AuditAction.CHANGE, changed=changed, detail=detail)


def _hidden(locked: Signature, chosen: str) -> dict[str, Any]:
    """Returns the columns that keep a name hidden which staff hide, as long as its signer wants it public."""
    if not locked.hidden_at:
        return {}
    return {"visibility": Visibility.DELIVERY} if chosen == Visibility.PUBLIC else {"hidden_at": None}


def _needs_look(locked: Signature, typed: SignerInput) -> bool:
    """Returns whether staff have to look again: at new words, or at a country by which names are ordered or counted."""
    if typed.is_counted_only:
        return False
    is_public = typed.values["visibility"] == Visibility.PUBLIC  # the page of countries counts all public names
    is_by_country = is_public or typed.translation.revision.letter.order == Letter.Order.COUNTRY
    looked_at = (*WORDS, "country") if is_by_country else WORDS
    if any(getattr(locked, field) != typed.values[field] for field in looked_at):
        return True
    # The country may have changed before, while it stood nowhere.
    becomes_public = is_public and locked.visibility != Visibility.PUBLIC and not locked.hidden_at
    return becomes_public and locked.state == State.APPROVED and audit_log.has_unseen_country(locked.pk)


def _flags_after(locked: Signature, typed: SignerInput, raised: Collection[str]) -> set[str]:
    """Returns the flags of a signature with new words, without those that only the former words raised."""
    has_same_name = (locked.name, locked.country) == (typed.values["name"], typed.values["country"])
    dropped = FLAGS_OF_WORDS - {Flag.SIMILAR} if has_same_name else FLAGS_OF_WORDS
    return (set(locked.flags) - dropped) | set(raised)


@transaction.atomic
def undo_correction(signature: Signature) -> Signature:
    """Give a signature the words back that it had before staff corrected a typo.

    They need no look if they were approved then, or if what is there now is not.

    Raises:
        NoPlace: when the same mailbox has another signature with this name.
        TransitionNotAllowed: when there is nothing to undo any more.
    """
    lock_mailbox(signature)
    locked = lock(signature)
    correction = SignerRequest.objects.correction_of(locked)
    if correction is None:
        raise TransitionNotAllowed("There is no correction to undo.")
    before = dict(correction.words or {})
    was_approved = before.pop("approved")
    mailbox_places.check_name(locked, before["name"])
    after = {**before, **names.search_columns(before["name"], before["organization"])}
    for field, value in after.items():
        setattr(locked, field, value)
    state = State(locked.state)
    if state == State.APPROVED and not was_approved:
        state = State.WAITING
    detail = {"request": correction.pk}
    return transition(locked, state, action=AuditAction.UNDO_CORRECTION, changed=list(after), detail=detail)


@transaction.atomic
def answer_question(signature: Signature) -> Signature:
    """Record that the signer answered the question of staff without changing anything.

    Raises:
        TransitionNotAllowed: when there is no open question.
    """
    locked = lock(signature)
    if locked.state != State.WAITING or Flag.ASKED not in locked.flags:
        raise TransitionNotAllowed("There is no open question.")
    locked.flags = mark_answered(locked.flags)
    audit_log.record(AuditAction.ANSWER, letter_id=locked.letter_id, signature_id=locked.pk)
    locked.save(update_fields=["flags"])
    return locked
