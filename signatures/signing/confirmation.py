"""Confirming a submission by its personal link: it becomes a signature."""

import json
from collections.abc import Collection, Sequence

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from signatures.models import Signature, Submission
from signatures.registries import FLAGS_ENDED_BY_DECISION, FLAGS_OF_WORDS, AuditAction, Flag
from signatures.signing.signer_input import SignerInput
from signatures.transitions import TransitionNotAllowed
from signatures.values import names
from signatures.values.normalization import name_key

# Columns that a submission does not have, as a signature begins.
_ONLY_OF_SIGNATURES = {"paper": False, "sheet": "", "question": ""}
# What becomes of flags, for the function in the database.
_RULES = {
    "of_words": sorted(FLAGS_OF_WORDS),
    "ended": sorted(FLAGS_ENDED_BY_DECISION),
    "similar": Flag.SIMILAR,
    "rejected_before": Flag.REJECTED_BEFORE,
    "action": AuditAction.CONFIRM,
}


class NoPlace(TransitionNotAllowed):
    """The mailbox has signed under this name, or all its places are taken. Holds the signatures in the way."""

    def __init__(self, standing: Sequence[Signature]) -> None:
        super().__init__("This mailbox has signed already.")
        self.standing = standing


def confirm(
    submission: Submission, typed: SignerInput, *, flags: Collection[str] = (), no_updates: bool = False
) -> None:
    """Turn a submission into a signature with the words that its signer sent from the personal page.

    What was submitted is replaced: somebody else may have typed it.

    The flags are those that these words raise; `no_updates` deletes the address kept for updates.

    Raises:
        NoPlace: when what stands there already is in the way (`standing_in_the_way`).
        TransitionNotAllowed: when it is no longer there, or the letter was closed more than 24 hours ago.
    """
    letter = typed.translation.revision.letter
    if not letter.takes_confirmations():
        raise TransitionNotAllowed("The letter is closed.")
    standing = _standing(submission, typed.values["kind"])
    if in_the_way := _in_the_way(standing, typed.values["name"], letter.signers_per_mailbox):
        raise NoPlace(in_the_way)
    values = {
        **typed.values,
        **names.search_columns(typed.values["name"], typed.values["organization"]),
        **_ONLY_OF_SIGNATURES,
        "translation_id": typed.translation.pk,
        "language": typed.language,
        "place": min({1, 2} - {signature.place for signature in standing}),
        "confirmed_at": timezone.now().isoformat(),
    }
    rules = {**_RULES, "needs_no_review": typed.needs_no_review, "no_updates": no_updates}
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.callproc("signatures_confirm", [submission.pk, json.dumps(values), list(flags), json.dumps(rules)])
            if cursor.fetchone()[0] is None:
                raise TransitionNotAllowed("It is no longer there.")
    except IntegrityError as error:
        if "one_signature_per_place" in str(error):  # taken a moment ago
            raise NoPlace(_standing(submission, typed.values["kind"])) from None
        raise


def standing_in_the_way(submission: Submission) -> list[Signature]:
    """Returns the signatures of the same mailbox because of which a submission cannot be confirmed as it is.

    That is the one with the same name, or all of them when no place is left. Without a name nobody can tell whether two
    are one person, so a signature that is counted only is taken for the same.
    """
    standing = _standing(submission, submission.kind)
    return _in_the_way(standing, submission.name, submission.letter.signers_per_mailbox)


def has_place(submission: Submission) -> bool:
    """Returns whether another person may sign from this mailbox: a place is left, and all that stands has a name."""
    standing = _standing(submission, submission.kind)
    return all(row.name for row in standing) and len(standing) < submission.letter.signers_per_mailbox


def _standing(submission: Submission, kind: str) -> list[Signature]:
    return list(Signature.objects.of_mailbox(submission).standing().filter(kind=kind))


def _in_the_way(standing: list[Signature], name: str, places: int) -> list[Signature]:
    namesakes = [signature for signature in standing if _may_be_one_person(signature.name, name)]
    return namesakes or (standing if len(standing) >= places else [])


def _may_be_one_person(name: str, other: str) -> bool:
    return not name or not other or (name_key(name) or name.casefold()) == (name_key(other) or other.casefold())
