"""The verb of telling: those who asked for updates hear what became of the letter, in their language, once."""

from django.db import transaction
from nacl.public import PrivateKey

from signatures import mailboxes, post, trail
from signatures.models import Delivery, Signature, State

BATCH = 500  # each in a transaction of its own: who is told stays told, whatever happens to the rest


def mail_updates(private_key: PrivateKey) -> int:
    """Queue a mail about every delivery that was handed over or acknowledged to those who asked; how many.

    Run again, it tells only what is new: the mails already queued are the memory of it.

    Raises:
        mailboxes.CannotOpen: when an address was sealed to another key.
    """
    queued = 0
    for delivery in Delivery.objects.gone_out().order_by("pk"):
        topic = f"delivery.{delivery.pk}.{delivery.state}"
        mails = _tell(delivery, topic, private_key)
        if mails:
            detail: dict[str, str | int] = {"delivery": delivery.pk, "number": mails, "about": delivery.state}
            trail.add("mail-updates", letter_id=delivery.letter_id, detail=detail)
        queued += mails
    return queued


def _tell(delivery: Delivery, topic: str, private_key: PrivateKey) -> int:
    asked = Signature.objects.filter(
        letter_id=delivery.letter_id, sealed_address__isnull=False, state__in=[State.WAITING, State.APPROVED]
    )
    queued = last = 0
    while True:
        with transaction.atomic():
            some = list(asked.filter(pk__gt=last).order_by("pk").select_for_update()[:BATCH])
            addresses = {row.pk: mailboxes.unseal(row.sealed_address or b"", private_key=private_key) for row in some}
            queued += post.queue_updates(addresses, topic=topic)
        if len(some) < BATCH:
            return queued
        last = some[-1].pk
