"""Errata: what a delivery records about signatures that left after it was handed over."""

from collections.abc import Collection

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from signatures.models import AuditEntry, Delivery, DeliveryEntry, Erratum
from signatures.registries import LEAVING_ACTIONS


def entries_that_left(delivery: Delivery) -> QuerySet[DeliveryEntry]:
    """Returns the entries of a delivery whose signature was withdrawn, erased or taken back since.

    By the audit log, which forgets nothing: who signs anew makes another signature, and this one has left all the same.
    """
    leaving = AuditEntry.objects.filter(signature_id=OuterRef("signature_id"), action__in=LEAVING_ACTIONS)
    return delivery.rows.filter(Exists(leaving))


def record_errata(signature_ids: Collection[int]) -> None:
    """Record an erratum for each of these signatures, in each delivery that was handed over with it.

    Called before the signatures are withdrawn or deleted, and that is logged. One that was withdrawn before has its
    erratum already.
    """
    delivered_in = DeliveryEntry.objects.filter(signature_id__in=signature_ids).values("delivery_id")
    for delivery in Delivery.objects.handed_over().filter(pk__in=delivered_in).order_by("pk").select_for_update():
        entries = delivery.rows.filter(signature_id__in=signature_ids)
        add_errata(delivery, entries.exclude(pk__in=entries_that_left(delivery).values("pk")).count())


def add_errata(locked: Delivery, number: int) -> None:
    """Append this many errata of today to a locked delivery."""
    first, today = locked.errata.count() + 1, timezone.now().date()
    errata = (Erratum(delivery=locked, number=index, day=today) for index in range(first, first + number))
    Erratum.objects.bulk_create(errata, batch_size=1000)


def blank_entries(signature_ids: Collection[int]) -> None:
    """Blank what was typed in all deliveries of these signatures. Their leaves stay, so each root still holds."""
    DeliveryEntry.objects.filter(signature_id__in=signature_ids, salt__isnull=False).blank()
