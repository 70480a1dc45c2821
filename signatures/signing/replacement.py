"""A submission whose mailbox has signed already: it is dropped, or gives its words to that signature."""

from collections.abc import Collection
from itertools import chain
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from signatures.models import FormerMarks, LinkAlias, Signature, Submission, Tombstone
from signatures.registries import FLAGS_OF_WORDS
from signatures.signing import changes, rules_behind_flags, withdrawal
from signatures.signing.mailbox_places import NoPlace, lock_mailbox
from signatures.signing.signer_input import SignerInput
from signatures.states import State
from signatures.transitions import TransitionNotAllowed, lock, lock_submission


@transaction.atomic
def keep(submission: Submission, signature: Signature) -> None:
    """Drop a submission in favor of what the same mailbox has signed. Its link leads there from now on.

    Raises:
        TransitionNotAllowed: when one of them is no longer there.
    """
    locked, kept = _lock_both(submission, signature)
    _hand_links_over(locked, kept)


@transaction.atomic
def replace(
    submission: Submission,
    signature: Signature,
    typed: SignerInput,
    *,
    flags: Collection[str] = (),
    no_updates: bool = False,
) -> None:
    """Give the words of a submission to a signature of the same mailbox, as if its owner had changed it there.

    The flags are those that these words raise; `no_updates` deletes the address kept for updates.

    Raises:
        NoPlace: when the words are those of another kind of signer, or have the name of another signature.
        TransitionNotAllowed: when one of them is no longer there, or the letter was closed more than 24 hours ago.
    """
    if not typed.translation.revision.letter.takes_confirmations():
        raise TransitionNotAllowed("The letter is closed.")
    locked, replaced = _lock_both(submission, signature)
    if typed.values["kind"] != replaced.kind:
        raise NoPlace([replaced])
    marks = {*replaced.marks, *locked.marks, *_gathered_marks(locked)}
    if marks != {*replaced.marks}:
        replaced.marks = sorted(marks)
        replaced.save(update_fields=["marks"])
    changes.change(
        replaced, typed, flags=flags, gathered=_gathered_flags(locked, replaced), no_updates=no_updates,
        sealed_address=locked.sealed_address, question_address=locked.question_address,
    )  # fmt: skip
    _hand_links_over(locked, replaced)


def _gathered_flags(submission: Submission, signature: Signature) -> set[str]:
    """Returns the flags of all that was typed with this address and of what it withdrew or erased, for the signature.

    Of the submission itself without those of its former words: the new ones were screened.
    """
    left = Signature.objects.of_mailbox(submission).filter(state=State.WITHDRAWN)
    rows = [*left.values_list("pk", "flags"), *_others(submission).values_list("pk", "flags")]
    stones = Tombstone.objects.filter(**_same_address(submission)).values_list("flags", flat=True)
    gathered = {*chain.from_iterable(stones), *chain.from_iterable(flags for _number, flags in rows)}
    gathered |= set(submission.flags) - FLAGS_OF_WORDS
    return rules_behind_flags.pass_on(signature, gathered, [submission.pk, *(number for number, _flags in rows)])


def _gathered_marks(submission: Submission) -> set[str]:
    """Returns the marks of all else that was typed with this address, and of what it withdrew, erased or deleted."""
    rows = (_others(submission), FormerMarks.objects.filter(**_same_address(submission)))
    return {*chain.from_iterable(chain.from_iterable(each.values_list("marks", flat=True)) for each in rows)}


def _others(submission: Submission) -> QuerySet[Submission]:
    return Submission.objects.filter(**_same_address(submission)).exclude(pk=submission.pk)


def _same_address(submission: Submission) -> dict[str, Any]:
    return {"letter_id": submission.letter_id, "address_hash": submission.address_hash}


def _lock_both(submission: Submission, signature: Signature) -> tuple[Submission, Signature]:
    lock_mailbox(submission)
    locked, standing = lock_submission(submission), lock(signature)
    if standing.address_hash != locked.address_hash or standing.letter_id != locked.letter_id or not standing.place:
        raise TransitionNotAllowed("It is not of this mailbox, or was withdrawn.")
    return locked, standing


def _hand_links_over(submission: Submission, signature: Signature) -> None:
    """Let every link to the submission lead to the signature, and delete the submission."""
    LinkAlias.objects.get_or_create(public_id=submission.public_id, defaults={"signature": signature})
    withdrawal.delete_submission(submission)
