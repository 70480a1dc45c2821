"""Confirming: the owner of the mailbox signs."""

from typing import Any

from django.db import IntegrityError, connection
from django.utils import timezone

from signatures.models import Signature
from signatures.registries import FLAGS_OF_WORDS, AuditAction
from signatures.signing.signer_input import SignerInput, derived_fields
from signatures.states import ALLOWED_FROM
from signatures.transitions import TransitionNotAllowed

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
            name = %(name)s, role = %(role)s, organization = %(organization)s, spokesperson = %(spokesperson)s,
            comment = %(comment)s, name_key = %(name_key)s, sort_key = %(sort_key)s, search_text = %(search_text)s,
            country = %(country)s, visibility = %(visibility)s, language = %(language)s,
            sealed_address = CASE WHEN %(no_updates)s THEN NULL ELSE sealed_address END
        WHERE id = %(id)s AND state = ANY (%(from)s)
        RETURNING id, letter_id, state
    ), told AS (
        INSERT INTO signatures_auditentry (at, action, letter_id, signature_id, was, now, reason, detail)
        SELECT %(now)s, %(action)s, letter_id, id, 'unconfirmed', state, '', '{{}}' FROM confirmed
    ), dropped AS (
        DELETE FROM signatures_outboxmail USING confirmed
        WHERE signature_id = confirmed.id AND signatures_outboxmail.kind = 'reminder' AND recipient IS NOT NULL
    )
    SELECT id FROM confirmed
"""


def confirm(signature: Signature, answer: SignerInput, *, no_updates: bool = False) -> None:
    """What is posted is what is signed: these words, under this text, whatever anybody else typed before.

    Raises:
        NotAllowed: when it is no longer unconfirmed, when the letter has been closed for 24 hours, or when this mailbox
            has signed as that kind already.
    """
    letter = answer.translation.revision.letter
    if not letter.takes_confirmations():
        raise TransitionNotAllowed("The letter is closed.")
    values: dict[str, Any] = {
        "id": signature.pk,
        "from": list(ALLOWED_FROM["confirm"]),
        "now": timezone.now(),
        "action": AuditAction.CONFIRM,
        "at_once": answer.is_approved_unless_flagged(),
        "flags": list(answer.flags),
        "of_words": list(FLAGS_OF_WORDS),
        "typed": answer.name,
        "no_updates": no_updates,
        "translation_id": answer.translation.pk,
        "country": answer.country,
        "kind": answer.kind,
        "visibility": answer.visibility,
        "language": answer.language,
        **(words := answer.stored_words()),
        **derived_fields(words),
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute(_CONFIRM, values)
            if cursor.fetchone() is None:
                raise TransitionNotAllowed("It is no longer unconfirmed.")
    except IntegrityError as error:
        if "one_signature_per_address" in str(error):
            raise TransitionNotAllowed("This mailbox has signed as that already.") from None
        raise
