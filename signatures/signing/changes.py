"""Changes by the signer after confirming."""

from collections.abc import Collection

from django.db import transaction

from signatures.audit import audit_log
from signatures.models import Signature
from signatures.registries import FLAGS_OF_WORDS, AuditAction, Flag
from signatures.registries.typed_fields import DERIVED_FROM_WORDS, TYPED_NAMES, WORDS
from signatures.signing.signer_input import SignerInput
from signatures.states import State
from signatures.transitions import TransitionNotAllowed, lock, transition
from signatures.values import names


@transaction.atomic
def change(
    signature: Signature, typed: SignerInput, *, flags: Collection[str] = (), no_updates: bool = False
) -> Signature:
    """Replace the words, the country and the visibility of a confirmed signature.

    New words are reviewed again, and the former ones are hidden at once. Another visibility with the same words takes
    effect without a review. Kind and text stay as they were confirmed.

    The flags are those that these words raise; `no_updates` deletes the address kept for updates.

    Raises:
        TransitionNotAllowed: unless it is confirmed.
    """
    locked = lock(signature)
    stored = {**typed.stored_values(), "kind": locked.kind}
    is_reworded = not typed.is_counted_only and any(getattr(locked, word) != stored[word] for word in WORDS)
    new_flags = _flags_after(locked, typed, flags) if is_reworded else set(locked.flags)
    new_state = State(locked.state)
    if is_reworded or new_state == State.WAITING:
        new_state = State.APPROVED if typed.needs_no_review and not new_flags else State.WAITING
    for field, value in (stored | names.search_columns(stored["name"], stored["organization"])).items():
        setattr(locked, field, value)
    locked.flags = _mark_answered(new_flags)
    if no_updates:
        locked.sealed_address = None
    if typed.is_counted_only:
        locked.featured_position = None
    changed = [*TYPED_NAMES, *DERIVED_FROM_WORDS, "flags", "sealed_address", "featured_position"]
    return transition(locked, new_state, action=AuditAction.CHANGE, changed=changed)


def _flags_after(locked: Signature, typed: SignerInput, raised: Collection[str]) -> set[str]:
    """Returns the flags of a signature with new words, without those that only the former words raised."""
    has_same_name = (locked.name, locked.country) == (typed.values["name"], typed.values["country"])
    dropped = FLAGS_OF_WORDS - {Flag.SIMILAR} if has_same_name else FLAGS_OF_WORDS
    was_rejected = {Flag.REJECTED_BEFORE} if locked.state == State.REJECTED else set()
    return (set(locked.flags) - dropped) | set(raised) | was_rejected


@transaction.atomic
def answer_question(signature: Signature) -> Signature:
    """Record that the signer answered the question of staff without changing anything.

    Raises:
        TransitionNotAllowed: when there is no open question.
    """
    locked = lock(signature)
    if locked.state != State.WAITING or Flag.ASKED not in locked.flags:
        raise TransitionNotAllowed("There is no open question.")
    locked.flags = _mark_answered(locked.flags)
    audit_log.record(AuditAction.ANSWER, letter_id=locked.letter_id, signature_id=locked.pk)
    locked.save(update_fields=["flags"])
    return locked


def _mark_answered(flags: Collection[str]) -> list[str]:
    """Returns these flags with the open question replaced by the answered one."""
    return sorted({Flag.ANSWERED if flag == Flag.ASKED else flag for flag in flags})
