"""What the people who sign do: sign, confirm, change their words, answer a question."""

from collections.abc import Collection

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from campaign.models import Letter
from signatures.models import Signature
from signatures.outbox import queue
from signatures.screening import rate_limits
from signatures.signing.signer_input import SignerInput
from signatures.states import Kind
from signatures.transitions import TransitionNotAllowed
from signatures.values import email_addresses, sealing

# One statement for every case, so that its time tells nothing (rule 4): a mailbox that is new makes a row, one that is
# unconfirmed or withdrew takes the new words, and in any other state nothing changes.
_OPEN = "signatures_signature.state IN ('unconfirmed', 'withdrawn')"
_FIELDS = (
    "translation_id", "name", "role", "organization", "spokesperson", "country", "comment", "visibility", "language",
    "sealed_address", "flags", "signed_up_at", "domains", "network", "marks",
)  # fmt: skip
_TAKEN = ", ".join(
    f"{field} = CASE WHEN {_OPEN} THEN EXCLUDED.{field} ELSE signatures_signature.{field} END" for field in _FIELDS
)
_TYPED = ", ".join(f"%({field})s" for field in _FIELDS)
_SIGN = f"""
    INSERT INTO signatures_signature (public_id, letter_id, kind, address_hash, paper, state, {", ".join(_FIELDS)})
    SELECT gen_random_uuid(), %(letter_id)s, %(kind)s, %(address_hash)s, FALSE, 'unconfirmed', {_TYPED}
    FROM campaign_letter WHERE id = %(letter_id)s AND state = 'open'
    ON CONFLICT (letter_id, kind, address_hash) DO UPDATE SET
        {_TAKEN},
        state = CASE WHEN {_OPEN} THEN 'unconfirmed' ELSE signatures_signature.state END,
        confirmed_at = CASE WHEN {_OPEN} THEN NULL ELSE signatures_signature.confirmed_at END,
        approved_on = CASE WHEN {_OPEN} THEN NULL ELSE signatures_signature.approved_on END
    RETURNING id
"""


@transaction.atomic
def submit(
    answer: SignerInput,
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
    pepper = settings.EMAIL_HASH_PEPPER
    key = sealing.address_hash(address, pepper=pepper)
    now = timezone.now()
    values = {
        "letter_id": answer.translation.revision.letter_id,
        "translation_id": answer.translation.pk,
        "address_hash": key,
        "sealed_address": sealing.seal(address, public_key=settings.UPDATES_PUBLIC_KEY) if updates else None,
        "signed_up_at": now,
        "domains": [sealing.domain_hash(domain, pepper=pepper) for domain in email_addresses.domains_of(address)],
        "network": rate_limits.network_digest(network, now) if network else "",
        "marks": list(marks),
        "flags": list(answer.flags),
        **{field: getattr(answer, field) for field in ("kind", *Signature.WORDS, "country", "visibility", "language")},
    }
    with connection.cursor() as cursor:
        cursor.execute(_SIGN, values)
        found = cursor.fetchone()
    if found is None:
        raise TransitionNotAllowed("The letter takes no signatures now.")
    if may_mail:
        queue.enqueue(list(found), language=answer.language, address=address, remind=True)


@transaction.atomic
def send_personal_link(letter: Letter, *, address: str, language: str, may_mail: bool = True) -> None:
    """Send the personal link again to whoever lost it; nothing where this mailbox has signed nothing."""
    key = sealing.address_hash(address, pepper=settings.EMAIL_HASH_PEPPER)
    found = Signature.objects.filter(letter=letter, kind__in=Kind.values, address_hash=key).select_for_update()
    # Asked for even when there is nothing, so that the time tells nothing (rule 4).
    queue.enqueue(list(found.values_list("pk", flat=True)) if may_mail else [], language=language, address=address)
