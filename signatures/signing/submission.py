"""Submitting the form, and asking for the personal links of a mailbox."""

from collections.abc import Collection

from django.conf import settings
from django.db import connection
from django.utils import timezone

from campaign.models import Letter
from campaign.runtime.sql_files import load_sql
from signatures.models import OutboxMail, Submission
from signatures.outbox import queue
from signatures.registries.typed_fields import TYPED_NAMES
from signatures.screening import rate_limits
from signatures.signing.signer_input import SignerInput
from signatures.transitions import TransitionNotAllowed
from signatures.values import email_addresses, sealing

_COLUMNS = (*TYPED_NAMES, "translation_id", "language")
_SUBMIT = load_sql(__file__, "submit.sql").format(
    columns=", ".join(_COLUMNS), values=", ".join(f"%({column})s" for column in _COLUMNS)
)


def submit(
    typed: SignerInput,
    *,
    address: str,
    updates: bool,
    flags: Collection[str] = (),
    network: str = "",
    marks: Collection[str] = (),
) -> None:
    """Store a submission and queue the email with its link, both or neither. Nothing else is read or changed.

    An address has a few places under each letter (`Submission.MAX_PLACES`). What finds none is not kept.

    With `updates`, the address is kept for them, sealed. `marks` are the buckets of the burst limits in which the
    submission was counted.

    Raises:
        TransitionNotAllowed: when the letter is paused or closed, even if another process did that just now.
    """
    pepper, now, letter_id = settings.EMAIL_HASH_PEPPER, timezone.now(), typed.translation.revision.letter_id
    values = {
        **typed.values,
        "letter_id": letter_id,
        "translation_id": typed.translation.pk,
        "language": typed.language,
        "address_hash": sealing.address_hash(address, pepper=pepper),
        "mailbox": sealing.mailbox_hash(address, letter_id=letter_id, pepper=pepper),
        "max_places": Submission.MAX_PLACES,
        "sealed_address": sealing.seal(address, public_key=settings.UPDATES_PUBLIC_KEY) if updates else None,
        "domains": [sealing.domain_hash(domain, pepper=pepper) for domain in email_addresses.domains_of(address)],
        "network": rate_limits.network_digest(network, now) if network else "",
        "marks": list(marks),
        "flags": sorted(flags),
        "priority": OutboxMail.Priority.FLAGGED if flags else OutboxMail.Priority.SIGN_UP,
        "recipient": sealing.seal(address, public_key=settings.OUTBOX_PUBLIC_KEY),
        "now": now,
    }
    with connection.cursor() as cursor:
        is_decided = False
        while not is_decided:  # another request took the same place: there is at least one fewer each time
            cursor.execute(_SUBMIT, values)
            is_open, is_decided = cursor.fetchone()
            if not is_open:
                raise TransitionNotAllowed("The letter takes no signatures now.")


def send_personal_links(letter: Letter, *, address: str, language: str) -> None:
    """Send the links of everything that was signed or submitted with this address, in one email."""
    key = sealing.address_hash(address, pepper=settings.EMAIL_HASH_PEPPER)
    mailbox = sealing.mailbox_hash(address, letter_id=letter.pk, pepper=settings.EMAIL_HASH_PEPPER)
    queue.enqueue_links(letter.pk, address_hash=key, mailbox=mailbox, language=language, address=address)
