"""Leaving: no more updates, withdrawing, erasing, and "this was not me"."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from signatures.audit import audit_log
from signatures.delivery.errata import blank_entries, record_errata
from signatures.models import Signature, Suppression, Tombstone
from signatures.outbox import queue
from signatures.registries import AuditAction
from signatures.registries.typed_fields import BLANKED_ON_WITHDRAWAL, DERIVED_FROM_WORDS
from signatures.states import State
from signatures.transitions import lock, transition

SUPPRESSED_FOR = timedelta(days=30)  # threat model S20: not for ever


@transaction.atomic
def unsubscribe(signature: Signature) -> None:
    """Delete the address that was kept for updates; updates that are queued are not sent. Harmless when repeated."""
    locked = lock(signature)
    if locked.sealed_address is not None:
        audit_log.record(AuditAction.END_UPDATES, letter_id=locked.letter_id, signature_id=locked.pk)
        locked.sealed_address = None
        locked.save(update_fields=["sealed_address"])


@transaction.atomic
def withdraw(signature: Signature) -> Signature:
    """Withdraw a signature: delete what was typed, the kept address and the queued emails.

    Raises:
        TransitionNotAllowed: when it was withdrawn before.
    """
    locked = lock(signature)
    blank: dict[str, Any] = {
        **dict.fromkeys((*BLANKED_ON_WITHDRAWAL, *DERIVED_FROM_WORDS, "question", "network"), ""),
        "flags": [],
        "domains": [],
        "marks": [],
        "sealed_address": None,
        "featured_position": None,
    }
    for field, value in blank.items():
        setattr(locked, field, value)
    record_errata([locked.pk])
    withdrawn = transition(locked, State.WITHDRAWN, action=AuditAction.WITHDRAW, changed=list(blank))
    queue.discard(locked.pk)
    return withdrawn


@transaction.atomic
def erase(signature: Signature, *, action: AuditAction = AuditAction.ERASE) -> None:
    """Delete the row and everything that belongs to it. A tombstone keeps a restored backup from bringing it back.

    Raises:
        TransitionNotAllowed: when it is erased already.
    """
    locked = lock(signature)
    if locked.address_hash is not None:
        Tombstone.objects.update_or_create(
            letter_id=locked.letter_id,
            kind=locked.kind,
            address_hash=locked.address_hash,
            defaults={"at": timezone.now()},
        )
    record_errata([locked.pk])
    blank_entries([locked.pk])
    audit_log.record(action, letter_id=locked.letter_id, signature_id=locked.pk, was=locked.state, now="erased")
    locked.delete()


@transaction.atomic
def not_me(signature: Signature) -> None:
    """Erase what somebody else typed with this address, and send the address no email for `SUPPRESSED_FOR`.

    Raises:
        TransitionNotAllowed: when it is erased already.
    """
    erase(signature, action=AuditAction.NOT_ME)
    if signature.address_hash is not None:
        Suppression.objects.update_or_create(
            address_hash=bytes(signature.address_hash), defaults={"until": timezone.now() + SUPPRESSED_FOR}
        )
