"""How people leave again: no more updates, withdraw, erase, "this was not me"."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from signatures import post, trail
from signatures.models import Delivered, Delivery, Erratum, Signature, Silence, State, Tombstone
from signatures.workflow.moves import lock, move

SILENT_FOR = timedelta(days=30)  # SECURITY.md S20: not for ever


@transaction.atomic
def end_updates(signature: Signature) -> None:
    """Delete the address that was kept for updates; what was still to go there will not. Harmless when repeated."""
    locked = lock(signature)
    if locked.sealed_address is not None:
        trail.add("end-updates", letter_id=locked.letter_id, signature_id=locked.pk)
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
    locked.sealed_address, locked.flags, locked.notable, locked.question = None, [], None, ""
    locked.domains, locked.network, locked.marks = [], "", []
    gone = [*Signature.WORDS, *Signature.OF_NAME, "country", "sealed_address", "flags", "notable", "question"]
    gone += ["domains", "network", "marks"]
    _tell_deliveries(locked.pk)
    done = move(locked, State.WITHDRAWN, action="withdraw", changed=gone)
    post.drop(locked.pk)
    return done


@transaction.atomic
def erase(signature: Signature, *, action: str = "erase") -> None:
    """Delete the row and all that hangs on it. A tombstone keeps it from coming back out of a backup.

    Raises:
        NotAllowed: when it is gone already.
    """
    locked = lock(signature)
    if locked.mailbox_key is not None:
        Tombstone.objects.bulk_create(
            [
                Tombstone(
                    letter_id=locked.letter_id, kind=locked.kind, mailbox_key=locked.mailbox_key, at=timezone.now()
                )
            ],
            update_conflicts=True,
            unique_fields=["letter_id", "kind", "mailbox_key"],
            update_fields=["at"],
        )
    _tell_deliveries(locked.pk)
    Delivered.objects.filter(signature_id=locked.pk).update(
        **dict.fromkeys(Delivered.WORDS, ""), salt=None, signed_on=None
    )  # the leaf stays, so that the root still holds
    trail.add(action, letter_id=locked.letter_id, signature_id=locked.pk, was=locked.state, now="erased")
    locked.delete()


def _tell_deliveries(signature_id: int) -> None:
    """Number an erratum for each delivery that has left the house with this signature in it, once."""
    for delivery in Delivery.objects.gone_out().filter(rows__signature_id=signature_id).select_for_update():
        if not trail.took_back(signature_id, delivery.frozen_at):
            Erratum.objects.create(delivery=delivery, number=delivery.errata.count() + 1, day=timezone.now().date())


@transaction.atomic
def not_me(signature: Signature) -> None:
    """Somebody else typed this address: delete the row, and send that mailbox no mail for `SILENT_FOR`.

    Raises:
        NotAllowed: when it is gone already.
    """
    erase(signature, action="not-me")
    if signature.mailbox_key is not None:
        Silence.objects.update_or_create(
            mailbox_key=bytes(signature.mailbox_key), defaults={"until": timezone.now() + SILENT_FOR}
        )
