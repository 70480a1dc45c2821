"""What is kept, and how long: the daily pruning, and the tombstones that outlive a restored backup.

The times are those of SECURITY.md R4, R7 and R8; README.md and the privacy page tell them.
"""

import csv
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from signatures.audit import audit_log
from signatures.models import AuditEntry, BulkRule, RateBucket, Signature, Suppression, Tombstone
from signatures.registries import AuditAction
from signatures.states import State

UNCONFIRMED_FOR = timedelta(days=7)
NETWORKS_FOR = timedelta(hours=71)  # asked every hour, and gone within 72 (R4)
DAILY = timedelta(hours=23)  # a worker that wakes a little early need not wait for the next day
DAYS_IN_MONTH = 30.44
ADDRESSES = "addresses kept for updates"

_BURIED = """
    SELECT s.id FROM signatures_signature s JOIN signatures_tombstone t
        ON t.letter_id = s.letter_id AND t.kind = s.kind AND t.address_hash = s.address_hash
    WHERE s.signed_up_at <= t.at
"""


def prune(*, dry_run: bool = False) -> dict[str, int]:
    """Delete what has been kept long enough; how many of each kind went (would go, when `dry_run`)."""
    if not dry_run:
        sync_tombstones()
    now = timezone.now()
    expired: dict[str, QuerySet[Any]] = {
        "erased, brought back by a backup": Signature.objects.filter(pk__in=_buried()),
        "sign-ups never confirmed": Signature.objects.filter(
            state=State.UNCONFIRMED, signed_up_at__lte=now - UNCONFIRMED_FOR
        ),
        "buckets of the limits": RateBucket.objects.filter(until__lte=now),
        "mailboxes that may be written to again": Suppression.objects.filter(until__lte=now),
        "tombstones": Tombstone.objects.filter(at__lte=now - _months()),
        "sessions of staff that are over": Session.objects.filter(expire_date__lte=now),
    }
    addresses = Signature.objects.filter(
        letter__acknowledged_on__lte=(now - _months()).date(), sealed_address__isnull=False
    )
    if dry_run:
        return {name: rows.count() for name, rows in expired.items()} | {ADDRESSES: addresses.count()}
    with transaction.atomic():
        gone = {name: _delete(rows) for name, rows in expired.items()} | {
            ADDRESSES: addresses.update(sealed_address=None)
        }
        audit_log.record(AuditAction.PRUNE, detail=gone)
    return gone


def is_due() -> bool:
    """Whether a day has gone by since the last pruning, by whichever worker."""
    return not AuditEntry.objects.filter(
        action=AuditAction.PRUNE, signature_id__isnull=True, at__gt=timezone.now() - DAILY
    ).exists()


def delete_expired_buckets() -> int:
    """Delete the limits' buckets whose time is over; how many."""
    return _delete(RateBucket.objects.filter(until__lte=timezone.now()))


def delete_network_digests() -> int:
    """Forget from which networks signatures came, once that is too long ago; of how many."""
    before = timezone.now() - NETWORKS_FOR
    BulkRule.objects.filter(made_at__lte=before).exclude(networks=[]).update(networks=[])
    old = Signature.objects.filter(signed_up_at__lte=before)
    return old.exclude(network="", marks=[]).update(network="", marks=[])


def _buried() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_BURIED)
        return [number for (number,) in cursor.fetchall()]


def _months() -> timedelta:
    return timedelta(days=settings.RETENTION_MONTHS * DAYS_IN_MONTH)


def _delete(rows: QuerySet[Any]) -> int:
    """How many of these rows went, not counting what hung on them."""
    return rows.delete()[1].get(rows.model._meta.label, 0)


def sync_tombstones(file: Path | None = None) -> int:
    """Make table and file agree, so that either brings the other back; how many tombstones there are.

    A restored backup holds the tombstones of its own time alone; the file beside the database holds those since. It
    names nobody: numbers, keyed hashes, times.
    """
    file = file or settings.VAR_DIR / "tombstones.csv"
    known = {_bytes(t): t.at for t in Tombstone.objects.all()}
    missing = []
    if file.exists():
        with file.open(newline="") as lines:
            for letter_id, kind, key, at in csv.reader(lines):
                stone = Tombstone(
                    letter_id=int(letter_id), kind=kind, address_hash=bytes.fromhex(key), at=datetime.fromisoformat(at)
                )
                if stone.at > max(known.get(_bytes(stone), stone.at - timedelta(1)), timezone.now() - _months()):
                    missing.append(stone)
    if missing:
        Tombstone.objects.bulk_create(
            missing, update_conflicts=True, unique_fields=["letter_id", "kind", "address_hash"], update_fields=["at"]
        )
    draft = file.with_suffix(".part")
    with draft.open("w", newline="") as lines:
        rows = Tombstone.objects.order_by("pk")
        csv.writer(lines).writerows((t.letter_id, t.kind, bytes(t.address_hash).hex(), t.at.isoformat()) for t in rows)
    draft.chmod(0o600)
    draft.replace(file)
    return rows.count()


def _bytes(stone: Tombstone) -> tuple[int, str, bytes]:
    return stone.letter_id, stone.kind, bytes(stone.address_hash)
