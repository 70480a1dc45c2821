"""Editions of the files of a delivery: each keeps its digests, its time and its reason.

A build that gives the same files gives the same edition, byte for byte. Files that differ are a new edition.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils import timezone

from campaign.runtime.minisign import SecretKey
from signatures.delivery import statement
from signatures.models import Delivery, DeliveryEdition

Reason = DeliveryEdition.Reason


class NoSigningKey(Exception):
    """The statement is signed, and the key that signed it is not here to sign another edition of the files."""


def of_files(delivery: Delivery, files: Mapping[str, str]) -> DeliveryEdition:
    """Returns the edition of files with these digests: the newest one, if it has them, else a new one, not saved yet.

    Args:
        delivery: with its statement.
        files: SHA-256 of each file but files.json and its signature.
    """
    newest = delivery.editions.last()
    if newest is not None and newest.files == files:
        return newest
    erased = delivery.erasures.count()
    edition = DeliveryEdition(
        delivery=delivery,
        number=newest.number + 1 if newest else 1,
        made_at=max(timezone.now(), delivery.frozen_at).replace(microsecond=0),  # a clock can have gone back
        erased=erased,
        site=settings.SITE_URL,
        software=statement.SOFTWARE,
        files=dict(files),
    )
    edition.reason = _reason(edition, newest)
    return edition


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


def _reason(edition: DeliveryEdition, before: DeliveryEdition | None) -> Reason:
    if before is None:
        return Reason.MADE
    if edition.erased != before.erased:
        return Reason.ERASED
    if edition.site != before.site:
        return Reason.ADDRESS
    changed = {name for name in edition.files if edition.files[name] != before.files.get(name)}
    # The letter follows from rows, address, program and fonts; all but the fonts are as they were.
    is_typeset_anew = changed == {statement.PDF} and edition.software == before.software
    return Reason.FONTS if is_typeset_anew else Reason.REMADE
