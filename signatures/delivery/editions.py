"""Editions of the files of a delivery: each keeps its digests, its time and its reason.

A build that gives the same files gives the same edition, byte for byte. Files that differ are a new edition.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from campaign.runtime.minisign import SecretKey
from signatures import count_steps
from signatures.delivery import statement
from signatures.models import Delivery, DeliveryEdition
from signatures.states import EditionReason

ATTESTED = {statement.TIME_STAMP: EditionReason.TIME_STAMP, statement.COUNTERSIGNATURE: EditionReason.AUDITOR}


class NoSigningKey(Exception):
    """The statement is signed, and the key that signed it is not here to sign another edition of the files."""


def public(delivery: Delivery) -> QuerySet[DeliveryEdition]:
    """Returns the editions of a delivery that strangers see: those of the last step of time (threat model S38).

    The first one is the work of staff, and is seen at once; a later one may follow an erasure.
    """
    return delivery.editions.filter(count_steps.is_reached("public_from") | Q(number=1))


def not_public_yet(delivery: Delivery) -> QuerySet[DeliveryEdition]:
    """Returns those that strangers see from the next step on. Whoever has a file of one of them may still check it."""
    return delivery.editions.exclude(pk__in=public(delivery).values("pk"))


def of_files(delivery: Delivery, files: Mapping[str, str], images: Mapping[str, str]) -> DeliveryEdition:
    """Returns the edition of files with these digests: the newest one, if it has them, else a new one, not saved yet.

    Args:
        delivery: with its statement.
        files: SHA-256 of each file but files.json and its signature.
        images: SHA-256 of each that the letter has: see `document_data.images_at_hand`.
    """
    newest = delivery.editions.last()
    if newest is not None and newest.files == files:
        return newest
    blanked = delivery.erasures.aggregate(number=Count("pk"), last=Max("at"))
    edition = DeliveryEdition(
        delivery=delivery,
        number=newest.number + 1 if newest else 1,
        made_at=_not_before(delivery.frozen_at, blanked["last"]).replace(microsecond=0),
        erased=blanked["number"],
        site=settings.SITE_URL,
        software=statement.SOFTWARE,
        files=dict(files),
        images=dict(images),
    )
    edition.reason = _reason(edition, newest)
    return edition


def _not_before(*moments: datetime | None) -> datetime:
    """Returns the time now, or the last of these moments: a clock can have gone back."""
    return max(timezone.now(), *filter(None, moments))


def list_files(edition: DeliveryEdition, key: SecretKey | None) -> dict[str, bytes]:
    """Returns files.json and the signature on it, and sets both in the edition.

    Raises:
        NoSigningKey: the statement names another public key.
    """
    delivery = edition.delivery
    content = statement.files_json(edition, erasures(delivery))
    if edition.pk is None:
        edition.digest = statement.digest_of(content)
        if delivery.signature:
            edition.signature = _require_key(delivery, key).sign(
                content, name=statement.FILES, timestamp=int(edition.made_at.timestamp())
            )
    files = {statement.FILES: content}
    if edition.signature:
        files[f"{statement.FILES}{statement.SIGNATURE}"] = edition.signature.encode()
    return files


def erasures(delivery: Delivery) -> list[Mapping[str, Any]]:
    """Returns the record of each entry without words, by its place."""
    return [dict(erasure) for erasure in delivery.erasures.order_by("place").values("place", "number", "at", "erratum")]


def _require_key(delivery: Delivery, key: SecretKey | None) -> SecretKey:
    if key is None or delivery.claims["key"] != key.public:
        raise NoSigningKey
    return key


def _reason(edition: DeliveryEdition, before: DeliveryEdition | None) -> EditionReason:
    if before is None:
        return EditionReason.MADE
    if edition.erased != before.erased:
        return EditionReason.ERASED
    if edition.site != before.site:
        return EditionReason.ADDRESS
    # One cause is named only where it explains every file that changed. READ-ME.txt tells of what is attested.
    changed = {name for name in edition.files if edition.files[name] != before.files.get(name)}
    same_software = edition.software == before.software
    for file, reason in ATTESTED.items():
        if same_software and changed - {statement.READ_ME} == {file}:
            return reason
    # The letter follows from rows, address, program, images and fonts; all but the last two are as they were.
    is_typeset_anew = changed == {statement.PDF} and same_software
    if is_typeset_anew and before.images is not None and edition.images != before.images:
        return EditionReason.LETTERHEAD
    return EditionReason.FONTS if is_typeset_anew and edition.images == before.images else EditionReason.REMADE
