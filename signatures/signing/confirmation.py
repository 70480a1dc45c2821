"""Confirming a submission by its personal link: it becomes a signature."""

import json
from collections.abc import Collection

from django.db import connection, transaction
from django.utils import timezone

from signatures.models import Submission
from signatures.registries import FLAGS_OF_WORDS, AuditAction, Flag
from signatures.signing import mailbox_places
from signatures.signing.mailbox_places import NoPlace, lock_mailbox
from signatures.signing.signer_input import SignerInput
from signatures.transitions import TransitionNotAllowed
from signatures.values import names

# Columns that a submission does not have, as a signature begins.
_ONLY_OF_SIGNATURES = {"paper": False, "sheet": "", "question": ""}
# What becomes of flags, for the function in the database. An open question stays with the signature it was asked about:
# whoever leaves has answered it (`withdrawal`). No other flag ends because somebody signs.
_RULES = {
    "of_words": sorted(FLAGS_OF_WORDS),
    "ended": [Flag.ASKED],
    "similar": Flag.SIMILAR,
    "rejected_before": Flag.REJECTED_BEFORE,
}


@transaction.atomic
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
    lock_mailbox(submission)
    standing = mailbox_places.standing(submission, typed.values["kind"])
    if in_the_way := mailbox_places.in_the_way(standing, typed.values["name"], letter.signers_per_mailbox):
        raise NoPlace(in_the_way)
    values = {
        **typed.values,
        **names.search_columns(typed.values["name"], typed.values["organization"]),
        **_ONLY_OF_SIGNATURES,
        "on_evidence": on_evidence or None,
        "translation_id": typed.translation.pk,
        **typed.languages,
        "place": min({1, 2} - {signature.place for signature in standing}),
        "confirmed_at": timezone.now().isoformat(),
    }
    action = AuditAction.CONFIRM_ON_EVIDENCE if on_evidence else AuditAction.CONFIRM
    rules = {**_RULES, "action": action, "needs_no_review": typed.needs_no_review, "no_updates": no_updates}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT signatures_confirm(%s, %s, %s::text[], %s)",
            [submission.pk, json.dumps(values), list(flags), json.dumps(rules)],
        )
        if cursor.fetchone()[0] is None:
            raise TransitionNotAllowed("It is no longer there.")
