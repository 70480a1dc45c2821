"""Submitting the form, and asking for the personal links of a mailbox."""

import json
import uuid
from collections.abc import Collection, Iterable

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from campaign.models import Letter
from signatures.models import OutboxMail, Submission
from signatures.outbox import queue
from signatures.screening import rate_limits
from signatures.signing.signer_input import SignerInput
from signatures.transitions import TransitionNotAllowed
from signatures.values import email_addresses, sealing


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

    The address is kept, sealed, for a question of staff; with `updates`, for them, too. `marks` are the buckets of the
    burst limits in which the submission was counted.

    Raises:
        TransitionNotAllowed: when the letter is paused or closed, even if another process did that just now.
    """
    pepper, letter_id = settings.EMAIL_HASH_PEPPER, typed.translation.revision.letter_id
    now = timezone.now()
    sealed = _bytes(sealing.seal(address, public_key=settings.UPDATES_PUBLIC_KEY))
    words = {**typed.values, "translation_id": typed.translation.pk}
    row = {
        **words,
        **typed.languages,
        "public_id": uuid.uuid4().hex,
        "letter_id": letter_id,
        "address_hash": _bytes(sealing.address_hash(address, pepper=pepper)),
        "mailbox": sealing.mailbox_hash(address, letter_id=letter_id, pepper=pepper),
        "sealed_address": sealed if updates else None,
        "question_address": sealed,
        "domains": [sealing.domain_hash(domain, pepper=pepper) for domain in email_addresses.domains_of(address)],
        "network": rate_limits.network_digest(network, now) if network else "",
        "marks": list(marks),
        "flags": sorted(flags),
        "signed_up_at": now.isoformat(),
    }
    mail = {
        "priority": OutboxMail.Priority.SIGN_UP,
        "priority_if_flagged": OutboxMail.Priority.FLAGGED,
        "mailbox": sealing.caps_hash(address, letter_id=letter_id, pepper=pepper),
        "address_key": sealing.address_key(address, letter_id=letter_id, pepper=pepper),
        "recipient": _bytes(queue.seal_recipient(address)),
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT signatures_submit(%s, %s, %s, %s)",
            [json.dumps(row), json.dumps(words), json.dumps(mail), Submission.MAX_PLACES],
        )
        if not cursor.fetchone()[0]:
            raise TransitionNotAllowed("The letter takes no signatures now.")


def _bytes(value: bytes) -> str:
    """Returns how a column of bytes is written in the JSON that PostgreSQL reads."""
    return f"\\x{value.hex()}"


@transaction.atomic
def send_personal_links(letters: Iterable[Letter], *, address: str, language: str) -> None:
    """Send the links of everything that was signed or submitted with this address, in one email for each letter."""
    key = sealing.address_hash(address, pepper=settings.EMAIL_HASH_PEPPER)
    for letter in letters:
        mailbox = sealing.caps_hash(address, letter_id=letter.pk, pepper=settings.EMAIL_HASH_PEPPER)
        queue.enqueue_links(letter.pk, address_hash=key, mailbox=mailbox, language=language, address=address)
    with connection.cursor() as cursor:
        # A record for nobody, so that the commit waits for the disk also where no address was found: else its time
        # would tell that.
        cursor.execute("SELECT pg_logical_emit_message(TRUE, 'undersigned', '')")
