"""Seals over the trail: whoever changes, removes or slips in an entry afterwards is found out.

Each seal holds SHA-256(hash of the seal before ‖ what it says of itself ‖ the hash of each entry, by number). An
entry's own hash is that of its canonical form: the fields below, as JSON with sorted keys, the time in UTC to the
microsecond. So it comes out the same after a restored backup and under every Python.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from struct import Struct
from typing import Any

from django.db import IntegrityError, connection, models, transaction
from django.db.models import Sum
from django.utils import timezone

from signatures.models import AuditEntry, Checkpoint

log = logging.getLogger(__name__)

HASHED_FIELDS = ("id", "at", "action", "staff_id", "letter_id", "signature_id", "was", "now", "reason", "detail")
GENESIS = "0" * 64  # what the first seal has in the place of the hash of a seal before
MAX_ENTRIES = 10_000  # entries in one seal, so that a long trail needs no more memory than a short one
WAIT_SECONDS = 2.0  # seconds to wait for those who are still writing; what they write is sealed a minute later
_MARK = Struct(">q8s")

# Who writes into the trail holds this lock to the end of the transaction, and took it before an entry got its number.
_WRITERS = """
    SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted
        AND relation = 'signatures_auditentry'::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND pid IS DISTINCT FROM pg_backend_pid()
"""


class LogTampered(Exception):
    """The trail is not as it was sealed; the message names the first seal, and the entry, where that shows."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` went through, and what no seal covers yet."""

    entries: int
    seals: int
    unsealed: int
    unsealed_since: datetime | None
    newest: Checkpoint | None


def create_checkpoint(*, most: int = MAX_ENTRIES) -> int:
    """Seal what is written and not yet sealed; how many entries. Nobody who writes waits for it."""
    newest, sealed = _settled(), 0
    while newest is not None:
        head = Checkpoint.objects.order_by("-pk").first()
        rows = AuditEntry.objects.filter(pk__lte=newest).order_by("pk")
        if head:
            rows = rows.filter(pk__gt=head.last_entry)
        hashes = [(row[0], _hash(row)) for row in rows.values_list(*HASHED_FIELDS)[:most]]
        if not hashes:
            break
        made = Checkpoint(
            previous=head.digest if head else GENESIS, last_entry=hashes[-1][0], entries=len(hashes),
            marks=b"".join(_MARK.pack(number, own) for number, own in hashes), at=timezone.now(),
        )  # fmt: skip
        made.digest = _digest(made, (own for _number, own in hashes))
        try:
            with transaction.atomic():
                made.save(force_insert=True)
        except IntegrityError:  # another worker set a seal upon the same one before
            break
        sealed += len(hashes)
        # A log that is kept on another machine thereby holds what `verify_audit_log --expect` asks for.
        log.info("seal %d over %d entries up to %d is %s", made.pk, made.entries, made.last_entry, made.digest)
    return sealed


def _settled() -> int | None:
    """The highest number below which nothing can be written any more; None when there is none yet.

    A number may be given before, and committed after, a higher one. So whoever was writing when the highest was looked
    up must have ended first.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM signatures_auditentry")
        (newest,) = cursor.fetchone()
        cursor.execute(_WRITERS)
        writing = {who for (who,) in cursor.fetchall()}
        deadline = time.monotonic() + WAIT_SECONDS
        while writing:
            if time.monotonic() > deadline:
                return None
            time.sleep(0.01)
            cursor.execute(_WRITERS)
            writing &= {who for (who,) in cursor.fetchall()}
    return int(newest) if newest is not None else None


def _hash(row: tuple[Any, ...]) -> bytes:
    entry = dict(zip(HASHED_FIELDS, row, strict=True))
    entry["at"] = entry["at"].astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()).digest()


def _digest(seal: Checkpoint, hashes: Iterator[bytes]) -> str:
    """The hash that this seal must hold over these entries."""
    own = [seal.at.astimezone(UTC).isoformat(timespec="microseconds"), seal.entries, seal.last_entry]
    whole = hashlib.sha256(bytes.fromhex(seal.previous) + json.dumps(own).encode())
    for one in hashes:
        whole.update(one)
    return whole.hexdigest()


def verify(*, expect: str = "", progress: Callable[[int], object] = lambda _entries: None) -> Verification:
    """Compute every seal anew, in bounded memory; what stands.

    Args:
        expect: the hash of a seal, noted elsewhere, that must be in the chain.
        progress: told how many further entries are done.

    Raises:
        Broken: when an entry or a seal was changed, removed or slipped in.
    """
    entries = seals = 0
    newest: Checkpoint | None = None
    is_there = not expect
    rows = _Rows()
    for one in _by_number(Checkpoint.objects.all(), 20):
        _verify_one(one, newest, rows)
        newest, is_there = one, is_there or one.digest == expect
        entries, seals = entries + one.entries, seals + 1
        progress(one.entries)
    if not is_there:
        raise LogTampered("The noted hash is in no seal: seals were removed, or all of them were made anew.")
    left = AuditEntry.objects.filter(pk__gt=newest.last_entry) if newest else AuditEntry.objects.all()
    return Verification(entries, seals, left.count(), unchecked_since(), newest)


def unchecked_since() -> datetime | None:
    """When the oldest entry that no seal covers yet was written; None when there is none."""
    head = Checkpoint.objects.order_by("-pk").values_list("last_entry", flat=True).first()
    left = AuditEntry.objects.filter(pk__gt=head) if head is not None else AuditEntry.objects.all()
    return left.order_by("pk").values_list("at", flat=True).first()


def checked_entries() -> int:
    """How many entries `verify` will go through, to tell how far it is."""
    return Checkpoint.objects.aggregate(all=Sum("entries"))["all"] or 0


def _by_number[Row: models.Model](rows: models.QuerySet[Row], size: int) -> Iterator[Row]:
    """All of them, so many at a time: a cursor of the server would hold its snapshot as long as it takes."""
    rows = rows.order_by("pk")
    page = list(rows[:size])
    while page:
        yield from page
        page = list(rows.filter(pk__gt=page[-1].pk)[:size])


class _Rows:
    """The entries by number, each with its hash, read once from the first to the last."""

    def __init__(self) -> None:
        found = _by_number(AuditEntry.objects.all(), 2000)
        self._rows = (tuple(getattr(entry, field) for field in HASHED_FIELDS) for entry in found)
        self._next = next(self._rows, None)

    def up_to(self, last: int) -> Iterator[tuple[int, bytes]]:
        while self._next and self._next[0] <= last:
            yield self._next[0], _hash(self._next)
            self._next = next(self._rows, None)


def _verify_one(seal: Checkpoint, before: Checkpoint | None, rows: _Rows) -> None:
    """Raise Broken unless this seal follows the one before and its entries are those that were sealed."""
    if seal.previous != (before.digest if before else GENESIS):
        follows = f"seal {before.pk}" if before else "the beginning"
        raise LogTampered(f"Seal {seal.pk} does not follow {follows}: a seal was changed, removed or slipped in there.")
    marks = list(_MARK.iter_unpack(bytes(seal.marks)[: len(seal.marks) // _MARK.size * _MARK.size]))
    if not marks or len(marks) != seal.entries or marks[-1][0] != seal.last_entry:
        raise LogTampered(f"Seal {seal.pk} itself was changed.")
    if _digest(seal, _compared(seal, marks, rows)) != seal.digest:
        raise LogTampered(f"Seal {seal.pk} itself was changed, or an entry together with its mark.")


def _compared(seal: Checkpoint, marks: list[tuple[int, bytes]], rows: _Rows) -> Iterator[bytes]:
    """The hashes of the entries under a seal, as long as each has its mark."""
    wanted = iter(marks)
    for number, own in rows.up_to(seal.last_entry):
        marked, mark = next(wanted, (number + 1, b""))
        if number < marked:
            raise LogTampered(f"In seal {seal.pk}, entry {number} was slipped in.")
        if number > marked:
            raise LogTampered(f"In seal {seal.pk}, entry {marked} is missing.")
        if own[:8] != mark:
            raise LogTampered(f"In seal {seal.pk}, entry {number} was changed.")
        yield own
    for marked, _mark in wanted:
        raise LogTampered(f"In seal {seal.pk}, entry {marked} is missing.")
