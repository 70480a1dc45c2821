"""Updates: subscribers get an email about what became of the letter, in their language, once."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from nacl.public import PrivateKey

from campaign.models import Letter, News
from signatures.audit import audit_log
from signatures.models import AuditEntry, Delivery, DeliveryEntry, Signature
from signatures.outbox import queue, topics
from signatures.registries import AuditAction
from signatures.states import State
from signatures.values import sealing

REJECTED_WITHIN = timedelta(days=30)  # of older rejections nobody gets an email any more
BATCH = 500  # subscribers in one transaction, so that a crash loses only the batch it interrupts


def queue_updates(private_keys: Sequence[PrivateKey]) -> int:
    """Enqueues an email to subscribers about each new event. Returns the number of emails enqueued.

    Events are deliveries that were handed over or acknowledged, for those who are in them; news that staff chose for
    it; and the rejection of the subscriber's own signature. Run again, it enqueues only what is new: the emails in the
    outbox show what was enqueued before.

    Raises:
        CannotUnseal: when an address was sealed to another key.
    """
    queued = 0
    for delivery in Delivery.objects.handed_over().order_by("pk"):
        about: dict[str, str | int] = {"delivery": delivery.pk, "about": delivery.state}
        topic = topics.delivery_topic(delivery)
        mine = DeliveryEntry.objects.filter(delivery=delivery, signature_id=OuterRef("pk"))
        queued += _enqueue(_subscribers(delivery.letter_id).filter(Exists(mine)), topic, private_keys, about)
    for news in News.objects.announced().filter(by_mail=True).order_by("pk"):
        # Somebody who signed later has read the news on the page, and gets no email about old news.
        subscribers = _subscribers(news.letter_id).filter(confirmed_at__lte=news.published_at)
        queued += _enqueue(subscribers, topics.news_topic(news), private_keys, {"news": news.pk})
    recent = timezone.now() - REJECTED_WITHIN
    rejected = AuditEntry.objects.filter(signature_id=OuterRef("pk"), now=State.REJECTED, at__gt=recent)
    for letter_id in Letter.objects.order_by("pk").values_list("pk", flat=True):
        told = _subscribers(letter_id, State.REJECTED).filter(Exists(rejected))
        queued += _enqueue(told, topics.REJECTION, private_keys, {"about": topics.REJECTION})
    return queued


def _subscribers(letter_id: int, *states: State) -> QuerySet[Signature]:
    states = states or (State.WAITING, State.APPROVED)
    return Signature.objects.filter(letter_id=letter_id, sealed_address__isnull=False, state__in=states)


def _enqueue(
    subscribers: QuerySet[Signature], topic: str, private_keys: Sequence[PrivateKey], about: dict[str, str | int]
) -> int:
    """Enqueues one email for each subscriber, batch by batch, with an audit entry if there was any."""
    queued = last = letter_id = 0
    while True:
        with transaction.atomic():
            batch = list(subscribers.filter(pk__gt=last).order_by("pk").select_for_update()[:BATCH])
            addresses = {row.pk: sealing.unseal(row.sealed_address or b"", private_keys=private_keys) for row in batch}
            queued += queue.enqueue_updates(addresses, topic=topic)
        if batch:
            last, letter_id = batch[-1].pk, batch[-1].letter_id
        if len(batch) < BATCH:
            break
    if queued:
        audit_log.record(AuditAction.QUEUE_UPDATES, letter_id=letter_id, detail={**about, "number": queued})
    return queued
