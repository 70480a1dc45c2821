"""Errata: what a delivery records about signatures that left after it was handed over."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from campaign.runtime.locks import AdvisoryLock, shared_transaction_lock
from signatures import count_steps
from signatures.audit import audit_log
from signatures.models import AuditEntry, Delivery, DeliveryEntry, Erratum, Signature
from signatures.models.delivery import FORMAT
from signatures.registries import LEAVING_ACTIONS, AuditAction
from signatures.states import State

type Ids = Collection[int] | QuerySet[Any, Any]


def public(delivery: Delivery) -> QuerySet[Erratum]:
    """Returns the errata of a delivery that strangers see: those of the last step of time (threat model S38)."""
    return delivery.errata.filter(count_steps.is_reached("public_from"))


def entries_that_left(delivery: Delivery) -> QuerySet[DeliveryEntry]:
    """Returns the entries of a delivery whose signature was withdrawn, erased or taken back since, or is an erratum.

    By the audit log, which forgets nothing: who signs anew makes another signature, and this one has left all the same.
    """
    is_erratum = Q(action=AuditAction.ERRATUM, detail__delivery=delivery.pk)
    leaving = AuditEntry.objects.filter(
        Q(action__in=LEAVING_ACTIONS) | is_erratum, signature_id=OuterRef("signature_id")
    )
    return delivery.rows.filter(Exists(leaving))


def rejected_entries(delivery: Delivery) -> QuerySet[DeliveryEntry]:
    """Returns the entries of a delivery whose signature is rejected now, and no erratum yet."""
    rejected = Signature.objects.filter(pk=OuterRef("signature_id"), state=State.REJECTED)
    return delivery.rows.filter(Exists(rejected)).exclude(pk__in=entries_that_left(delivery).values("pk"))


def kinds_of_errata(delivery: Delivery) -> dict[str, int]:
    """Returns how many errata of a delivery were rejected, erased, or else withdrawn. Together they are all of them."""
    rejections = AuditEntry.objects.filter(
        action=AuditAction.ERRATUM, detail__delivery=delivery.pk, signature_id=OuterRef("signature_id")
    )
    left = entries_that_left(delivery).annotate(is_rejected=Exists(rejections))
    rejected = left.filter(is_rejected=True).count()
    erased = left.filter(is_rejected=False, salt__isnull=True).count()
    return {"withdrawn": delivery.errata.count() - rejected - erased, "erased": erased, "rejected": rejected}


def record_errata(signature_ids: Ids) -> dict[int, int]:
    """Record an erratum for each of these signatures, in each delivery that was handed over with it.

    Returns the number of the erratum by the id of the delivery, where it is the only new one.

    Called before the signatures are withdrawn or deleted, and that is logged. One that was withdrawn before, or
    rejected, has its erratum already.
    """
    numbers = {}
    for delivery in _handed_over_with(signature_ids):
        entries = delivery.rows.filter(signature_id__in=signature_ids)
        new = add_errata(delivery, entries.exclude(pk__in=entries_that_left(delivery).values("pk")).count())
        if len(new) == 1:
            numbers[delivery.pk] = new[0]
    return numbers


def record_rejections(signature_ids: Ids) -> None:
    """Record an erratum for each of these signatures that is rejected, in each delivery that was handed over with it.

    It stays when the rejection is undone, and a second rejection makes no other: a number that was told is not taken
    back.
    """
    for delivery in _handed_over_with(signature_ids):
        add_rejections(delivery, rejected_entries(delivery).filter(signature_id__in=signature_ids))


def add_rejections(locked: Delivery, entries: QuerySet[DeliveryEntry]) -> None:
    """Append an erratum for each of these entries to a locked delivery. The audit log keeps whose it is."""
    signature_ids = list(entries.order_by("signature_id").values_list("signature_id", flat=True))
    add_errata(locked, len(signature_ids))
    audit_log.record_errata(locked, signature_ids)


def add_errata(locked: Delivery, number: int) -> range:
    """Append this many errata of today to a locked delivery. Returns their numbers."""
    first, today = locked.errata.count() + 1, timezone.now().date()
    numbers = range(first, first + number)
    Erratum.objects.bulk_create((Erratum(delivery=locked, number=each, day=today) for each in numbers), batch_size=1000)
    return numbers


def _handed_over_with(signature_ids: Ids) -> Iterator[Delivery]:
    """Yields the deliveries that were handed over with these signatures, locked until the transaction ends.

    One that is about to be handed over is locked, too, so that either this sees it handed over, or that sees who left.
    """
    delivered_in = DeliveryEntry.objects.filter(signature_id__in=signature_ids).values("delivery_id")
    rows = Delivery.objects.exclude(state=Delivery.State.VOID).filter(pk__in=delivered_in)
    return (delivery for delivery in rows.order_by("pk").select_for_update() if delivery.is_handed_over)


def blank_entries(signature_ids: Collection[int], errata: Mapping[int, int] | None = None) -> None:
    """Blank what was typed in all deliveries of these signatures. Their leaves stay, so each root still holds.

    The files of these deliveries are made anew without the words. `errata` is what `record_errata` returned.

    Whoever deletes signatures calls this first, in the same transaction: the database refuses it otherwise. A delivery
    that is being frozen now is not seen here. It is committed after this transaction, and then looks who is gone.
    """
    shared_transaction_lock(AdvisoryLock.DELETE_SIGNATURES)
    entries = DeliveryEntry.objects.filter(signature_id__in=signature_ids, salt__isnull=False)
    deliveries = list(entries.order_by().values_list("delivery_id", flat=True).distinct())
    entries.blank(errata or {})
    # The row is changed after the entries are: a build that is about to end waits for it, or is wanted once more.
    with_files = Delivery.objects.public().filter(pk__in=deliveries, format=FORMAT)
    with_files.update(remake_wanted=True, build_canceled=False, failure="", seen_at=None)


def words_of_nobody(entries: QuerySet[DeliveryEntry]) -> QuerySet[DeliveryEntry]:
    """Returns those of these entries that have words, or a salt, although their signature is deleted: never any."""
    return entries.filter(~Exists(Signature.objects.filter(pk=OuterRef("signature_id"))), salt__isnull=False)


def blank_words_of_nobody(entries: QuerySet[DeliveryEntry]) -> int:
    """Blank those of these entries whose signature is deleted, each signature by itself. Returns their number.

    They are there when the signature was deleted while the delivery was frozen, or when a backup was restored in which
    it still was, by a tool that does not know of deliveries. What the audit log does not know is an erratum now.
    """
    found = list(words_of_nobody(entries).order_by().values_list("signature_id", "delivery__letter_id"))
    return sum(_blank_words_of(signature_id, letter_id) for signature_id, letter_id in sorted(set(found)))


@transaction.atomic
def _blank_words_of(signature_id: int, letter_id: int) -> int:
    """Returns the number of entries: none, if somebody else blanked them meanwhile."""
    errata = record_errata([signature_id])  # which locks the deliveries, as whoever erases does
    left = DeliveryEntry.objects.filter(signature_id=signature_id, salt__isnull=False).count()
    if not left:
        return 0
    if not AuditEntry.objects.filter(action__in=LEAVING_ACTIONS, signature_id=signature_id).exists():
        audit_log.record(AuditAction.ERASE_AGAIN, letter_id=letter_id, signature_id=signature_id, now="erased")
    blank_entries([signature_id], errata)
    return left
