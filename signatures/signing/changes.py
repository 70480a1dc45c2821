"""Changes by the signer after confirming."""

from collections.abc import Collection

from django.db import transaction

from signatures.audit import audit_log
from signatures.models import Signature
from signatures.registries import FLAGS_OF_WORDS, AuditAction, Flag
from signatures.signing.signer_input import SignerInput, derived_fields
from signatures.states import State, Visibility
from signatures.transitions import TransitionNotAllowed, lock, transition


@transaction.atomic
def change(signature: Signature, answer: SignerInput, *, no_updates: bool = False) -> Signature:
    """Put other words, another country or another audience in the place of those that stand.

    Changed words wait again, and the old ones are hidden at once; a narrower audience, or a wider one with the words
    that were read, takes effect without a second look. Kind and text stay as they were confirmed.

    Raises:
        NotAllowed: unless it is confirmed.
    """
    locked = lock(signature)
    was = State(locked.state)
    words = answer.stored_words()
    is_reworded = answer.visibility != Visibility.COUNTED and any(
        getattr(locked, field) != value for field, value in words.items()
    )
    typed_alike = (locked.name, locked.country) == (answer.name, answer.country)
    kept = set(locked.flags) - (FLAGS_OF_WORDS - {Flag.SIMILAR} if typed_alike else FLAGS_OF_WORDS)
    flags = kept | set(answer.flags) if is_reworded else set(locked.flags)
    if is_reworded and was == State.REJECTED:
        flags.add(Flag.REJECTED_BEFORE)
    for field, value in (words | derived_fields(words)).items():
        setattr(locked, field, value)
    locked.country, locked.visibility, locked.flags = answer.country, answer.visibility, _answered(flags)
    if no_updates:
        locked.sealed_address = None
    to = was
    if is_reworded or was == State.WAITING:
        to = State.APPROVED if answer.is_approved_unless_flagged() and not flags else State.WAITING
    if answer.visibility == Visibility.COUNTED:
        locked.featured_position = None
    changed = [*words, *Signature.OF_NAME, "country", "visibility", "flags", "sealed_address", "featured_position"]
    return transition(locked, to, action=AuditAction.CHANGE, changed=changed)


@transaction.atomic
def answer_question(signature: Signature) -> Signature:
    """Answer the question of staff with "it is right as it stands".

    Raises:
        NotAllowed: when nothing is asked.
    """
    locked = lock(signature)
    if locked.state != State.WAITING or Flag.ASKED not in locked.flags:
        raise TransitionNotAllowed("Nothing is asked.")
    locked.flags = _answered(locked.flags)
    audit_log.record(AuditAction.ANSWER, letter_id=locked.letter_id, signature_id=locked.pk)
    locked.save(update_fields=["flags"])
    return locked


def _answered(flags: Collection[str]) -> list[str]:
    """These flags once the signer did something about a question."""
    return sorted({Flag.ANSWERED if flag == Flag.ASKED else flag for flag in flags})
