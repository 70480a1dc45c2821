"""Submitting the form, and sending the personal link again."""

from collections.abc import Collection

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from campaign.models import Letter
from campaign.runtime.sql_files import load_sql
from signatures.models import Signature
from signatures.outbox import queue
from signatures.registries.typed_fields import TYPED_NAMES
from signatures.screening import rate_limits
from signatures.signing.signer_input import SignerInput
from signatures.states import Kind, State
from signatures.transitions import TransitionNotAllowed
from signatures.values import email_addresses, sealing

# The columns that a repeated submission replaces. The kind is part of the key instead.
_COLUMNS = (
    *(name for name in TYPED_NAMES if name != "kind"), "translation_id", "language", "sealed_address", "flags",
    "signed_up_at", "domains", "network", "marks", "state", "confirmed_at", "approved_on",
)  # fmt: skip
_STORED = "signatures_signature"
_SUBMIT = load_sql(__file__, "submit.sql").format(
    columns=", ".join(_COLUMNS),
    values=", ".join(f"%({column})s" for column in _COLUMNS),
    updates=", ".join(
        f"{column} = CASE WHEN {_STORED}.state IN ('unconfirmed', 'withdrawn')"
        f" THEN EXCLUDED.{column} ELSE {_STORED}.{column} END"
        for column in _COLUMNS
    ),
)


@transaction.atomic
def submit(
    typed: SignerInput,
    *,
    address: str,
    updates: bool,
    flags: Collection[str] = (),
    network: str = "",
    marks: Collection[str] = (),
    may_mail: bool = True,
) -> None:
    """Store an unconfirmed signature and queue the email with its link, both or neither.

    The same happens in every state that a signature with this address may have; the email says what differs.

    With `updates`, the address is kept for them, sealed. `marks` are the buckets of the burst limits in which the
    submission was counted; `may_mail` says whether one more email to this address is allowed (`rate_limits.Verdict`).

    Raises:
        TransitionNotAllowed: when the letter is paused or closed, even if another process did that just now.
    """
    pepper = settings.EMAIL_HASH_PEPPER
    now = timezone.now()
    values = {
        **typed.values,
        "letter_id": typed.translation.revision.letter_id,
        "translation_id": typed.translation.pk,
        "language": typed.language,
        "address_hash": sealing.address_hash(address, pepper=pepper),
        "sealed_address": sealing.seal(address, public_key=settings.UPDATES_PUBLIC_KEY) if updates else None,
        "signed_up_at": now,
        "domains": [sealing.domain_hash(domain, pepper=pepper) for domain in email_addresses.domains_of(address)],
        "network": rate_limits.network_digest(network, now) if network else "",
        "marks": list(marks),
        "flags": sorted(flags),
        "state": State.UNCONFIRMED,
        "confirmed_at": None,
        "approved_on": None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SUBMIT, values)
        stored = cursor.fetchone()
    if stored is None:
        raise TransitionNotAllowed("The letter takes no signatures now.")
    if may_mail:
        queue.enqueue(list(stored), language=typed.language, address=address, remind=True)


@transaction.atomic
def send_personal_link(letter: Letter, *, address: str, language: str, may_mail: bool = True) -> None:
    """Send the personal link again, if a signature with this address exists."""
    key = sealing.address_hash(address, pepper=settings.EMAIL_HASH_PEPPER)
    found = Signature.objects.filter(letter=letter, kind__in=Kind.values, address_hash=key).select_for_update()
    # Called without signatures, too, so that the time does not tell whether there are any (architecture, rule 4).
    queue.enqueue(list(found.values_list("pk", flat=True)) if may_mail else [], language=language, address=address)
