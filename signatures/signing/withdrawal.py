"""How people leave again: no more updates, withdraw, erase, "this was not me"."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from signatures.audit import audit_log
from signatures.delivery.errata import blank_entries, record_errata
from signatures.models import Signature, Suppression, Tombstone
from signatures.outbox import queue
from signatures.registries import AuditAction
from signatures.states import State
from signatures.transitions import lock, transition

SUPPRESSED_FOR = timedelta(days=30)  # SECURITY.md S20: not for ever


@transaction.atomic
def unsubscribe(signature: Signature) -> None:
    """Delete the address that was kept for updates; what was still to go there will not. Harmless when repeated."""
    locked = lock(signature)
    if locked.sealed_address is not None:
        audit_log.record(AuditAction.END_UPDATES, letter_id=locked.letter_id, signature_id=locked.pk)
        locked.sealed_address = None
        locked.save(update_fields=["sealed_address"])


@transaction.atomic
def withdraw(signature: Signature) -> Signature:
    """Take the name back: the words, the kept address and the mails that were still to go, go at once.

    Raises:
        NotAllowed: when it was withdrawn before.
    """
    locked = lock(signature)
    for field in (*Signature.WORDS, *Signature.OF_NAME, "country"):
        setattr(locked, field, "")
    locked.sealed_address, locked.flags, locked.featured_position, locked.question = None, [], None, ""
    locked.domains, locked.network, locked.marks = [], "", []
    gone = [*Signature.WORDS, *Signature.OF_NAME, "country", "sealed_address", "flags", "featured_position", "question"]
    gone += ["domains", "network", "marks"]
    record_errata([locked.pk])
    done = transition(locked, State.WITHDRAWN, action=AuditAction.WITHDRAW, changed=gone)
    queue.discard(locked.pk)
    return done


@transaction.atomic
def erase(signature: Signature, *, action: AuditAction = AuditAction.ERASE) -> None:
    """Delete the row and all that hangs on it. A tombstone keeps it from coming back out of a backup.

    Raises:
        NotAllowed: when it is gone already.
    """
    locked = lock(signature)
    if locked.address_hash is not None:
        Tombstone.objects.bulk_create(
            [
                Tombstone(
                    letter_id=locked.letter_id, kind=locked.kind, address_hash=locked.address_hash, at=timezone.now()
                )
            ],
            update_conflicts=True,
            unique_fields=["letter_id", "kind", "address_hash"],
            update_fields=["at"],
        )
    record_errata([locked.pk])
    blank_entries([locked.pk])
    audit_log.record(action, letter_id=locked.letter_id, signature_id=locked.pk, was=locked.state, now="erased")
    locked.delete()


@transaction.atomic
def not_me(signature: Signature) -> None:
    """Somebody else typed this address: delete the row, and send that mailbox no mail for `SILENT_FOR`.

    Raises:
        NotAllowed: when it is gone already.
    """
    erase(signature, action=AuditAction.NOT_ME)
    if signature.address_hash is not None:
        Suppression.objects.update_or_create(
            address_hash=bytes(signature.address_hash), defaults={"until": timezone.now() + SUPPRESSED_FOR}
        )
