"""Tombstones: they keep a restored backup from bringing erased signatures back (threat model R8).

They are a table and a file beside the database, each of which can restore the other. The file names nobody: it has
numbers, keyed hashes and times.
"""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from campaign.runtime.complete_files import replaced_file
from signatures.models import Tombstone
from signatures.states import Kind
from signatures.values import csv_cells

DAYS_IN_MONTH = 30.44


def retention_time() -> timedelta:
    """Returns how long the site keeps what it needs after a letter's end, by its settings."""
    return timedelta(days=settings.RETENTION_MONTHS * DAYS_IN_MONTH)


def file_beside_database() -> Path:
    """Returns the path of the file that restores the table."""
    return Path(settings.VAR_DIR) / "tombstones.csv"


def sync(file: Path | None = None) -> int:
    """Makes table and file agree. Returns the number of tombstones.

    A restored backup has only the tombstones of its own time; the file beside the database has those since.

    Raises:
        csv_cells.UnreadableLine: a line of the file is none.
    """
    file = file or file_beside_database()
    read_file(file)
    with replaced_file(file) as draft, draft.open("w", newline="") as lines:
        rows = Tombstone.objects.order_by("pk")
        csv_cells.write_rows(lines, map(_cells, rows))
    return rows.count()


def read_file(file: Path | None = None) -> None:
    """Adds to the table what only the file has. Writes no file: retention does not depend on a writable disk.

    Raises:
        csv_cells.UnreadableLine: a line of the file is none.
    """
    file = file or file_beside_database()
    if file.exists():
        with file.open(newline="") as lines:
            add(lines, file)


def add(lines: Iterable[str], name: object) -> None:
    """Adds to the table what only these lines have, of the file of this name.

    Raises:
        csv_cells.UnreadableLine: a line is none.
    """
    known = {_key(stone) for stone in Tombstone.objects.all()}
    since = timezone.now() - retention_time()
    found = csv_cells.read_rows(lines, name, _tombstone, "tombstone")
    missing = [stone for stone in found if _key(stone) not in known and stone.at > since]
    Tombstone.objects.bulk_create(missing, ignore_conflicts=True)


def _cells(stone: Tombstone) -> tuple[object, ...]:
    key, flags = bytes(stone.address_hash or b"").hex(), " ".join(stone.flags)
    return stone.letter_id, stone.kind, key, stone.at.isoformat(), flags, stone.public_id or ""


def _tombstone(letter_id: str, kind: str, key: str, at: str, flags: str = "", public_id: str = "") -> Tombstone:
    return Tombstone(
        letter_id=int(letter_id),
        kind=Kind(kind),
        address_hash=bytes.fromhex(key) or None,
        at=datetime.fromisoformat(at).astimezone(UTC),
        flags=flags.split(),
        public_id=uuid.UUID(public_id) if public_id else None,
    )


def _key(stone: Tombstone) -> tuple[object, ...]:
    """Returns what tells two tombstones apart."""
    return (
        (stone.public_id,)
        if stone.public_id
        else (stone.letter_id, stone.kind, bytes(stone.address_hash or b""), stone.at)
    )
