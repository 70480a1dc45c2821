"""The verb of telling: those who asked for updates hear what became of the letter, in their language, once."""

from django.db import transaction
from django.db.models import QuerySet
from nacl.public import PrivateKey

from campaign.models import News
from signatures.audit import audit_log
from signatures.models import Delivery, Signature
from signatures.outbox import queue, topics
from signatures.registries import AuditAction
from signatures.states import State
from signatures.values import sealing

BATCH = 500  # each in a transaction of its own: who is told stays told, whatever happens to the rest


def queue_updates(private_key: PrivateKey) -> int:
    """Queue what there is to tell to those who asked; how many mails.

    That is every delivery that was handed over or acknowledged, and news that staff chose for it. Run again, it tells
    only what is new: the mails already queued are the memory of it.

    Raises:
        mailboxes.CannotOpen: when an address was sealed to another key.
    """
    queued = 0
    for delivery in Delivery.objects.gone_out().order_by("pk"):
        mails = _tell(_who_asked(delivery.letter_id), topics.delivery_topic(delivery), private_key)
        _record(mails, delivery.letter_id, {"delivery": delivery.pk, "about": delivery.state})
        queued += mails
    for news in News.objects.announced().filter(by_mail=True).order_by("pk"):
        # Who came later has read it on the page: nobody is sent all that ever happened.
        asked = _who_asked(news.letter_id).filter(confirmed_at__lte=news.published_at)
        mails = _tell(asked, topics.news_topic(news), private_key)
        _record(mails, news.letter_id, {"news": news.pk})
        queued += mails
    return queued


def _record(mails: int, letter_id: int, about: dict[str, str | int]) -> None:
    if mails:
        audit_log.record(AuditAction.QUEUE_UPDATES, letter_id=letter_id, detail={**about, "number": mails})


def _who_asked(letter_id: int) -> QuerySet[Signature]:
    return Signature.objects.filter(
        letter_id=letter_id, sealed_address__isnull=False, state__in=[State.WAITING, State.APPROVED]
    )


def _tell(asked: QuerySet[Signature], topic: str, private_key: PrivateKey) -> int:
    queued = last = 0
    while True:
        with transaction.atomic():
            some = list(asked.filter(pk__gt=last).order_by("pk").select_for_update()[:BATCH])
            addresses = {row.pk: sealing.unseal(row.sealed_address or b"", private_key=private_key) for row in some}
            queued += queue.enqueue_updates(addresses, topic=topic)
        if len(some) < BATCH:
            return queued
        last = some[-1].pk
