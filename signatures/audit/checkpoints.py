"""Checkpoints of the audit log: they reveal that an entry was changed, removed or inserted afterwards.

A checkpoint holds SHA-256(hash of the checkpoint before ‖ its own facts ‖ hash of each entry, by number). The hash of
an entry is that of its canonical form: the fields below as JSON with sorted keys, the time in UTC to the microsecond.
So it is the same after a restored backup and under every Python.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from struct import Struct
from typing import Any

from django.db import IntegrityError, connection, models, transaction
from django.db.models import Sum
from django.utils import timezone

from campaign.runtime.sql_files import load_sql
from signatures.models import AuditEntry, Checkpoint

log = logging.getLogger(__name__)

HASHED_FIELDS = ("id", "at", "action", "staff_id", "letter_id", "signature_id", "was", "now", "reason", "detail")
GENESIS = "0" * 64  # the previous hash of the first checkpoint
MAX_ENTRIES = 10_000  # in one checkpoint, so that a long log needs no more memory than a short one
WAIT_SECONDS = 2.0  # for transactions that are still writing; the next checkpoint covers what they write
CHECKPOINTS_PER_QUERY, ENTRIES_PER_QUERY = 20, 2000
# What a checkpoint keeps of each entry, to name the one that was changed: its number and the first bytes of its hash.
_MARK = Struct(">q8s")

_WRITERS = load_sql(__file__, "writers.sql")


class LogTampered(Exception):
    """The audit log differs from its checkpoints. The message names the first checkpoint and entry that differ."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` checked, and what no checkpoint covers yet."""

    entries: int
    checkpoints: int
    unchecked: int
    unchecked_since: datetime | None
    newest: Checkpoint | None


def create_checkpoint(*, most: int = MAX_ENTRIES) -> int:
    """Covers all entries that have no checkpoint yet. Returns their number. Writers do not wait for it.

    Args:
        most: the largest number of entries in one checkpoint; more entries get several checkpoints.
    """
    newest, covered = _newest_settled_entry(), 0
    while newest is not None:
        previous = Checkpoint.objects.order_by("-pk").first()
        rows = AuditEntry.objects.filter(pk__lte=newest).order_by("pk")
        if previous:
            rows = rows.filter(pk__gt=previous.last_entry)
        hashes = [(row[0], _hash(row)) for row in rows.values_list(*HASHED_FIELDS)[:most]]
        if not hashes or not _save(previous, hashes):
            break
        covered += len(hashes)
    return covered


def _save(previous: Checkpoint | None, hashes: list[tuple[int, bytes]]) -> bool:
    """Returns False if another worker made the checkpoint after `previous` first."""
    checkpoint = Checkpoint(
        previous=previous.digest if previous else GENESIS, last_entry=hashes[-1][0], entries=len(hashes),
        marks=b"".join(_MARK.pack(number, entry_hash) for number, entry_hash in hashes), at=timezone.now(),
    )  # fmt: skip
    checkpoint.digest = _digest(checkpoint, (entry_hash for _number, entry_hash in hashes))
    try:
        with transaction.atomic():
            checkpoint.save(force_insert=True)
    except IntegrityError:
        return False
    # A log that is kept on another machine thereby holds the hashes for `verify_audit_log --expect`.
    facts = (checkpoint.pk, checkpoint.entries, checkpoint.last_entry, checkpoint.digest)
    log.info("checkpoint %d over %d entries up to %d is %s", *facts)
    return True


def _newest_settled_entry() -> int | None:
    """Returns the highest number below which no entry can appear any more, or None if there is none yet.

    A transaction can get a lower number than another one and commit after it. So every transaction that was writing
    when the highest number was read must have ended.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM signatures_auditentry")
        (newest,) = cursor.fetchone()
        cursor.execute(_WRITERS)
        writing = {transaction_id for (transaction_id,) in cursor.fetchall()}
        deadline = time.monotonic() + WAIT_SECONDS
        while writing:
            if time.monotonic() > deadline:
                return None
            time.sleep(0.01)
            cursor.execute(_WRITERS)
            writing &= {transaction_id for (transaction_id,) in cursor.fetchall()}
    return int(newest) if newest is not None else None


def _hash(row: tuple[Any, ...]) -> bytes:
    entry = dict(zip(HASHED_FIELDS, row, strict=True))
    entry["at"] = entry["at"].astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()).digest()


def _digest(checkpoint: Checkpoint, hashes: Iterable[bytes]) -> str:
    """Returns the hash that this checkpoint must have over entries with these hashes."""
    facts = [
        checkpoint.at.astimezone(UTC).isoformat(timespec="microseconds"),
        checkpoint.entries,
        checkpoint.last_entry,
    ]
    digest = hashlib.sha256(bytes.fromhex(checkpoint.previous) + json.dumps(facts).encode())
    for entry_hash in hashes:
        digest.update(entry_hash)
    return digest.hexdigest()


def verify(*, expect: str = "", progress: Callable[[int], object] = lambda _entries: None) -> Verification:
    """Computes every checkpoint again, in bounded memory.

    Args:
        expect: the hash of a checkpoint, noted elsewhere, that must be in the chain.
        progress: called with the number of entries checked since the last call.

    Raises:
        LogTampered: when an entry or a checkpoint was changed, removed or inserted.
    """
    entries = checkpoints = 0
    newest: Checkpoint | None = None
    is_found = not expect
    reader = _EntryReader()
    for checkpoint in _by_number(Checkpoint.objects.all(), CHECKPOINTS_PER_QUERY):
        _verify_one(checkpoint, newest, reader)
        newest, is_found = checkpoint, is_found or checkpoint.digest == expect
        entries, checkpoints = entries + checkpoint.entries, checkpoints + 1
        progress(checkpoint.entries)
    if not is_found:
        raise LogTampered("No checkpoint has the noted hash: checkpoints were removed, or all of them were made again.")
    return Verification(entries, checkpoints, _unchecked(newest).count(), unchecked_since(), newest)


def unchecked_since() -> datetime | None:
    """Returns the time of the oldest entry that no checkpoint covers, or None if all are covered."""
    unchecked = _unchecked(Checkpoint.objects.only("last_entry").order_by("-pk").first())
    return unchecked.order_by("pk").values_list("at", flat=True).first()


def checked_entries() -> int:
    """Returns the number of entries that `verify` will go through."""
    return Checkpoint.objects.aggregate(all=Sum("entries"))["all"] or 0


def _unchecked(newest: Checkpoint | None) -> models.QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(pk__gt=newest.last_entry) if newest else AuditEntry.objects.all()


def _by_number[Row: models.Model](rows: models.QuerySet[Row], size: int) -> Iterator[Row]:
    """Yields all rows, with a query for each `size`: a server-side cursor would hold one snapshot all the time."""
    rows = rows.order_by("pk")
    page = list(rows[:size])
    while page:
        yield from page
        page = list(rows.filter(pk__gt=page[-1].pk)[:size])


class _EntryReader:
    """Reads all entries once, by number, and hashes each."""

    def __init__(self) -> None:
        entries = _by_number(AuditEntry.objects.all(), ENTRIES_PER_QUERY)
        self._rows = (tuple(getattr(entry, field) for field in HASHED_FIELDS) for entry in entries)
        self._next = next(self._rows, None)

    def up_to(self, last: int) -> Iterator[tuple[int, bytes]]:
        """Yields number and hash of the entries not yet read, up to number `last`."""
        while self._next and self._next[0] <= last:
            yield self._next[0], _hash(self._next)
            self._next = next(self._rows, None)


def _verify_one(checkpoint: Checkpoint, previous: Checkpoint | None, reader: _EntryReader) -> None:
    """Raises LogTampered unless the checkpoint follows the one before and covers exactly the entries of the log."""
    if checkpoint.previous != (previous.digest if previous else GENESIS):
        before = f"checkpoint {previous.pk}" if previous else "the beginning"
        raise LogTampered(
            f"Checkpoint {checkpoint.pk} does not follow {before}: a checkpoint was changed, removed or inserted there."
        )
    whole_marks = len(checkpoint.marks) // _MARK.size * _MARK.size
    marks = list(_MARK.iter_unpack(bytes(checkpoint.marks)[:whole_marks]))
    if not marks or len(marks) != checkpoint.entries or marks[-1][0] != checkpoint.last_entry:
        raise LogTampered(f"Checkpoint {checkpoint.pk} itself was changed.")
    if _digest(checkpoint, _checked_hashes(checkpoint, marks, reader)) != checkpoint.digest:
        raise LogTampered(f"Checkpoint {checkpoint.pk} itself was changed, or an entry together with its hash in it.")


def _checked_hashes(checkpoint: Checkpoint, marks: list[tuple[int, bytes]], reader: _EntryReader) -> Iterator[bytes]:
    """Yields the hashes of the entries that a checkpoint covers, as long as each agrees with its mark."""
    expected = iter(marks)
    for number, entry_hash in reader.up_to(checkpoint.last_entry):
        expected_number, beginning = next(expected, (number + 1, b""))
        if number < expected_number:
            raise LogTampered(f"In checkpoint {checkpoint.pk}, entry {number} was inserted.")
        if number > expected_number:
            raise LogTampered(f"In checkpoint {checkpoint.pk}, entry {expected_number} is missing.")
        if entry_hash[:8] != beginning:
            raise LogTampered(f"In checkpoint {checkpoint.pk}, entry {number} was changed.")
        yield entry_hash
    for expected_number, _beginning in expected:
        raise LogTampered(f"In checkpoint {checkpoint.pk}, entry {expected_number} is missing.")
