"""Confirming a signature by the personal link."""

from collections.abc import Collection
from typing import Any

from django.db import IntegrityError, connection
from django.utils import timezone

from campaign.runtime.sql_files import load_sql
from signatures.models import Signature
from signatures.registries import FLAGS_OF_WORDS, AuditAction, Flag
from signatures.registries.typed_fields import DERIVED_FROM_WORDS, TYPED_NAMES
from signatures.signing.signer_input import SignerInput
from signatures.states import ALLOWED_FROM
from signatures.transitions import TransitionNotAllowed
from signatures.values import names

_COLUMNS = (*TYPED_NAMES, *DERIVED_FROM_WORDS, "translation_id", "language")
_CONFIRM = load_sql(__file__, "confirm.sql").format(
    columns=", ".join(_COLUMNS), values=", ".join(f"%({column})s" for column in _COLUMNS)
)


def confirm(signature: Signature, typed: SignerInput, *, flags: Collection[str] = (), no_updates: bool = False) -> None:
    """Confirm a signature with the words that its signer sent from the personal page.

    What was submitted before is replaced: somebody else may have typed it.

    The flags are those that these words raise; `no_updates` deletes the address kept for updates.

    Raises:
        TransitionNotAllowed: when it is no longer unconfirmed, when the letter was closed more than 24 hours ago, or
            when another signature of this kind has the same address.
    """
    if not typed.translation.revision.letter.takes_confirmations():
        raise TransitionNotAllowed("The letter is closed.")
    stored = typed.stored_values()
    values: dict[str, Any] = {
        **stored,
        **names.search_columns(stored["name"], stored["organization"]),
        "translation_id": typed.translation.pk,
        "language": typed.language,
        "id": signature.pk,
        "allowed_from": list(ALLOWED_FROM["confirm"]),
        "flags": list(flags),
        "flags_of_words": list(FLAGS_OF_WORDS),
        "typed_name": typed.values["name"],
        "needs_no_review": typed.needs_no_review,
        "no_updates": no_updates,
        "similar": Flag.SIMILAR,
        "action": AuditAction.CONFIRM,
        "now": timezone.now(),
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute(_CONFIRM, values)
            if cursor.fetchone() is None:
                raise TransitionNotAllowed("It is no longer unconfirmed.")
    except IntegrityError as error:
        if "one_signature_per_address" in str(error):
            raise TransitionNotAllowed("This address has signed as that already.") from None
        raise
