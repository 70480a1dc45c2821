"""Retention: the daily pruning, and tombstones that keep a restored backup from bringing erased signatures back.

The times are those of threat model R4, R7 and R8; the privacy page states them.
"""

import csv
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from campaign.runtime.complete_files import replaced_file
from signatures.audit import audit_log
from signatures.models import (
    BulkRule,
    FormerMarks,
    OutboxMail,
    RateBucket,
    Signature,
    SignerRequest,
    SpentProof,
    Submission,
    Suppression,
    Tombstone,
)
from signatures.registries import AuditAction
from signatures.screening import daily_keys
from signatures.states import State
from signatures.values import csv_cells

UNSENT_FOR = timedelta(days=30)
NETWORKS_FOR = timedelta(hours=71)  # checked every hour, so deleted within 72 (R4)
QUESTIONS_FOR = timedelta(days=60)  # for staff to ask something; the address goes then, decided or not (R13)
# A mistyped year takes nobody's address away before somebody may have seen it (rule 4).
ADDRESSES_AT_LEAST = timedelta(days=30)
DAYS_IN_MONTH = 30.44
BLANKED_TOGETHER = 5_000  # rows of one transaction
ADDRESSES = "addresses kept for updates"
QUESTION_ADDRESSES = "addresses kept for questions"
FORMER_WORDS = "words before a correction"

# One of version 0.9 has no public id: then an address had one signature at most.
_ERASED = """
    SELECT s.id FROM signatures_signature s JOIN signatures_tombstone t USING (public_id)
    UNION
    SELECT s.id FROM signatures_signature s JOIN signatures_tombstone t
        ON t.letter_id = s.letter_id AND t.kind = s.kind AND t.address_hash = s.address_hash
    WHERE t.public_id IS NULL AND s.signed_up_at <= t.at
"""


def prune(*, dry_run: bool = False) -> dict[str, int]:
    """Delete what has been kept long enough.

    Returns the number of rows by kind that were deleted (that would be, when `dry_run`).
    """
    if not dry_run:
        _read_tombstones(tombstones_file())
    now = timezone.now()
    old_submissions = Submission.objects.filter(signed_up_at__lte=now - Submission.KEPT_FOR)
    expired: dict[str, QuerySet[Any]] = {
        **_erased_before(),
        "submissions": old_submissions,
        "emails about deleted submissions": _orphans(now - Submission.KEPT_FOR),
        "emails that could never be sent": OutboxMail.objects.filter(
            recipient__isnull=False, queued_at__lte=now - UNSENT_FOR
        ),
        "buckets of rate limits": RateBucket.objects.filter(until__lte=now),
        "spent proofs of work": SpentProof.objects.filter(until__lte=now),
        "suppressed addresses": Suppression.objects.filter(until__lte=now),
        "tombstones": Tombstone.objects.filter(at__lte=now - _months()),
        "expired sessions of staff": Session.objects.filter(expire_date__lte=now),
    }
    addresses = Signature.objects.filter(
        letter__acknowledged_on__lte=(now - _months()).date(),
        letter__acknowledged_at__lte=now - ADDRESSES_AT_LEAST,
        sealed_address__isnull=False,
    )
    waiting_long = Signature.objects.filter(
        state=State.WAITING, confirmed_at__lte=now - QUESTIONS_FOR, question_address__isnull=False
    )
    corrections = SignerRequest.objects.filter(decided_at__lte=now - SignerRequest.UNDONE_WITHIN, words__isnull=False)
    kept: dict[str, QuerySet[Any]] = {
        ADDRESSES: addresses, QUESTION_ADDRESSES: waiting_long, FORMER_WORDS: corrections
    }  # fmt: skip
    if dry_run:
        return {name: rows.count() for name, rows in (expired | kept).items()}
    blanked = {
        ADDRESSES: _blank(addresses, sealed_address=None),
        QUESTION_ADDRESSES: _blank(waiting_long, question_address=None),
        FORMER_WORDS: _blank(corrections, words=None),
    }
    with transaction.atomic():
        deleted = {name: _delete(rows) for name, rows in expired.items()} | blanked
        audit_log.record(AuditAction.PRUNE, detail=deleted)
    return deleted


def _orphans(before: datetime) -> QuerySet[OutboxMail]:
    """Returns the emails whose signature or submission is gone, or goes with those from before this time.

    Sent ones stay until then, because the caps count them.
    """
    signatures = Signature.objects.filter(pk=OuterRef("signature_id"))
    submissions = Submission.objects.filter(pk=OuterRef("signature_id"), signed_up_at__gt=before)
    rows = OutboxMail.objects.filter(~Exists(signatures), ~Exists(submissions), signature_id__isnull=False)
    return rows.filter(Q(queued_at__lte=before) | Q(recipient__isnull=False))


def delete_expired_buckets() -> int:
    """Delete expired buckets of rate limits and spent proofs of work. Returns their number."""
    return sum(_delete(model.objects.filter(until__lte=timezone.now())) for model in (RateBucket, SpentProof))


def delete_network_digests() -> int:
    """Delete network digests and burst marks that are too old, with the keys of days that have none left (R12).

    Returns the number of rows that had one.
    """
    before = timezone.now() - NETWORKS_FOR
    daily_keys.destroy(before=before.date())
    BulkRule.objects.filter(made_at__lte=before).exclude(networks=[]).update(networks=[])
    old = [model.objects.filter(signed_up_at__lte=before) for model in (Signature, Submission)]
    left = _delete(FormerMarks.objects.filter(signed_up_at__lte=before))
    return left + sum(_blank(rows.exclude(network="", marks=[]), network="", marks=[]) for rows in old)


def _blank(rows: QuerySet[Any], **values: Any) -> int:
    """Updates rows of any number, some thousands at a time: nobody at work on one of them waits long.

    What somebody else has locked comes last, and is waited for. Returns the number of rows.
    """
    blanked, found = 0, BLANKED_TOGETHER
    while found == BLANKED_TOGETHER:
        with transaction.atomic():
            free = rows.select_for_update(skip_locked=True, of=("self",), no_key=True)
            together = list(free.values_list("pk", flat=True)[:BLANKED_TOGETHER])
            found = len(together)
            blanked += rows.filter(pk__in=together).update(**values)
    return blanked + rows.update(**values)


def _erased_before() -> dict[str, QuerySet[Any]]:
    """Returns what a backup brought back, by kind."""
    erased = Tombstone.objects.filter(public_id__isnull=False).values("public_id")
    return {
        "erased signatures from a backup": Signature.objects.filter(pk__in=_restored_by_backup()),
        "erased submissions from a backup": Submission.objects.filter(public_id__in=erased),
    }


@transaction.atomic
def erase_again(tombstones: Iterable[str]) -> int:
    """Deletes who has a tombstone in these lines, in the file beside the database, or in the table.

    Returns the number of rows.
    """
    _restore_tombstones(tombstones)
    _read_tombstones(tombstones_file())
    return sum(_delete(rows) for rows in _erased_before().values())


def _restored_by_backup() -> list[int]:
    """Returns the signatures that have a tombstone of a later time."""
    with connection.cursor() as cursor:
        cursor.execute(_ERASED)
        return [number for (number,) in cursor.fetchall()]


def _months() -> timedelta:
    return timedelta(days=settings.RETENTION_MONTHS * DAYS_IN_MONTH)


def _delete(rows: QuerySet[Any]) -> int:
    """Deletes these rows and returns their number, without that of the rows that belong to them."""
    return rows.delete()[1].get(rows.model._meta.label, 0)


def sync_tombstones(file: Path | None = None) -> int:
    """Makes table and file agree, so that each can restore the other. Returns the number of tombstones.

    A restored backup has only the tombstones of its own time; the file beside the database has those since. The file
    names nobody: it has numbers, keyed hashes and times.
    """
    file = file or tombstones_file()
    _read_tombstones(file)
    with replaced_file(file) as draft, draft.open("w", newline="") as lines:
        rows = Tombstone.objects.order_by("pk")
        cells = (
            (
                t.letter_id,
                t.kind,
                bytes(t.address_hash or b"").hex(),
                t.at.isoformat(),
                " ".join(t.flags),
                t.public_id or "",
            )
            for t in rows
        )
        csv_cells.write_rows(lines, cells)
    return rows.count()


def tombstones_file() -> Path:
    """Returns the path of the file that restores the table of tombstones."""
    return Path(settings.VAR_DIR) / "tombstones.csv"


def _read_tombstones(file: Path) -> None:
    """Adds to the table what only the file has. Writes no file: retention does not depend on a writable disk."""
    if file.exists():
        with file.open(newline="") as lines:
            _restore_tombstones(lines)


def _restore_tombstones(lines: Iterable[str]) -> None:
    known = {_key(t) for t in Tombstone.objects.all()}
    missing = []
    for letter_id, kind, key, at, *more in csv.reader(lines):  # files of version 0.9 have no more
        flags, public_id = more or ("", "")
        stone = Tombstone(
            letter_id=int(letter_id),
            kind=kind,
            address_hash=bytes.fromhex(key) or None,
            at=datetime.fromisoformat(at),
            flags=flags.split(),
            public_id=uuid.UUID(public_id) if public_id else None,
        )
        if _key(stone) not in known and stone.at > timezone.now() - _months():
            missing.append(stone)
    Tombstone.objects.bulk_create(missing, ignore_conflicts=True)


def _key(stone: Tombstone) -> tuple[object, ...]:
    """Returns what tells two tombstones apart."""
    return (
        (stone.public_id,)
        if stone.public_id
        else (stone.letter_id, stone.kind, bytes(stone.address_hash or b""), stone.at)
    )
