"""Confirming a submission by its personal link: it becomes a signature."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from signatures.models import Submission
from signatures.registries import FLAGS_OF_WORDS, AuditAction, Flag
from signatures.signing import mailbox_places
from signatures.signing.mailbox_places import NoPlace
from signatures.signing.signer_input import SignerInput
from signatures.transitions import TransitionNotAllowed
from signatures.values import names

# Columns that a submission does not have, as a signature begins.
_ONLY_OF_SIGNATURES = {"paper": False, "sheet": "", "question": ""}
_SHARED = "shared"  # the mailbox has signed something else: nothing was changed
# What becomes of flags, for the function in the database. An open question stays with the signature it was asked about:
# whoever leaves has answered it (`withdrawal`). No other flag ends because somebody signs.
_RULES = {
    "of_words": sorted(FLAGS_OF_WORDS),
    "ended": [Flag.ASKED],
    "similar": Flag.SIMILAR,
    "rejected_before": Flag.REJECTED_BEFORE,
}


def confirm(
    submission: Submission,
    typed: SignerInput,
    *,
    flags: Collection[str] = (),
    no_updates: bool = False,
    on_evidence: bool = False,
) -> None:
    """Turn a submission into a signature with the words that its signer sent from the personal page.

    What was submitted is replaced: somebody else may have typed it.

    The flags are those that these words raise; `no_updates` deletes the address kept for updates. `on_evidence` says
    that staff do it, in place of a signer whose email never came.

    Raises:
        NoPlace: when what stands there already is in the way (`mailbox_places.in_the_way`).
        TransitionNotAllowed: when it is no longer there, or the letter was closed more than 24 hours ago.
    """
    letter = typed.translation.revision.letter
    if not letter.takes_confirmations():
        raise TransitionNotAllowed("The letter is closed.")
    values = {
        **typed.values,
        **names.search_columns(typed.values["name"], typed.values["organization"]),
        **_ONLY_OF_SIGNATURES,
        "on_evidence": on_evidence or None,
        "translation_id": typed.translation.pk,
        **typed.languages,
        "place": 1,
        "confirmed_at": timezone.now().isoformat(),
    }
    action = AuditAction.CONFIRM_ON_EVIDENCE if on_evidence else AuditAction.CONFIRM
    rules = {**_RULES, "action": action, "needs_no_review": typed.needs_no_review, "no_updates": no_updates}
    state = _run("signatures_confirm_alone", submission, values, flags, rules, *mailbox_places.lock_of(submission))
    if state == _SHARED:
        with transaction.atomic():
            mailbox_places.lock_mailbox(submission)
            values["place"] = _free_place(submission, typed, letter.signers_per_mailbox)
            state = _run("signatures_confirm", submission, values, flags, rules)
    if state is None:
        raise TransitionNotAllowed("It is no longer there.")


def _free_place(submission: Submission, typed: SignerInput, places: int) -> int:
    """Returns the place that is left in a mailbox which has signed, too. The mailbox is locked.

    Raises:
        NoPlace: when what stands there already is in the way.
    """
    standing = mailbox_places.standing(submission, typed.values["kind"])
    if in_the_way := mailbox_places.in_the_way(standing, typed.values["name"], places):
        raise NoPlace(in_the_way)
    return min({1, 2} - {signature.place for signature in standing})


def _run(
    function: str,
    submission: Submission,
    values: Mapping[str, object],
    flags: Collection[str],
    rules: Mapping[str, object],
    *more: int,
) -> str | None:
    """Returns what a function of the database returns that confirms: the state, `_SHARED`, or None if it is gone."""
    arguments: list[Any] = [submission.pk, json.dumps(values), list(flags), json.dumps(rules), *more]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s, %s::text[], %s{', %s' * len(more)})", arguments)
        state: str | None = cursor.fetchone()[0]
        return state
