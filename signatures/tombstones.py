"""Tombstones: they keep a restored backup from bringing erased signatures back (threat model R8).

They are a table and a file beside the database, each of which can restore the other. The file names nobody: it has
numbers, keyed hashes and days, in no order. Public ids are hidden in both; those of a former version are when they are
read.
"""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import CharField
from django.db.models.functions import Cast, Substr
from django.utils import timezone

from campaign.runtime.complete_files import replaced_file
from signatures.models import Tombstone
from signatures.states import Kind
from signatures.values import csv_cells, sealing

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
    rows = sorted(map(_cells, Tombstone.objects.all()), key=str)
    with replaced_file(file) as draft, draft.open("w", newline="") as lines:
        csv_cells.write_rows(lines, rows)
    return len(rows)


def read_file(file: Path | None = None) -> None:
    """Adds to the table what only the file has. Writes no file: retention does not depend on a writable disk.

    Raises:
        csv_cells.UnreadableLine: a line of the file is none.
    """
    file = file or file_beside_database()
    if file.exists():
        with file.open(newline="") as lines:
            add(lines, file)
    else:
        _hide_public_ids()


def add(lines: Iterable[str], name: object) -> None:
    """Adds to the table what only these lines have, of the file of this name.

    Raises:
        csv_cells.UnreadableLine: a line is none.
    """
    _hide_public_ids()
    known = {_key(stone) for stone in Tombstone.objects.all()}
    since = timezone.now() - retention_time()
    found = csv_cells.read_rows(lines, name, _tombstone, "tombstone")
    missing = [stone for stone in found if _key(stone) not in known and stone.at > since]
    Tombstone.objects.bulk_create(missing, ignore_conflicts=True)


def hidden(public_id: uuid.UUID) -> uuid.UUID:
    """Returns how tombstones and narrowings know a public id."""
    return sealing.hidden_id(public_id, pepper=settings.EMAIL_HASH_PEPPER)


def hidden_ids() -> dict[uuid.UUID, datetime]:
    """Returns the hidden ids of everybody who is erased, and when that was."""
    found = Tombstone.objects.filter(public_id__isnull=False).values_list("public_id", "at")
    return {hidden(public_id): at for public_id, at in found if public_id}


@transaction.atomic
def _hide_public_ids() -> None:
    """Hides the public ids that a former version stored as they are."""
    version = Substr(Cast("public_id", CharField()), 15, 1)
    stored = Tombstone.objects.filter(public_id__isnull=False).annotate(version=version)
    plain = list(stored.exclude(version=str(sealing.HIDDEN_VERSION)))
    for stone in plain:
        stone.public_id = hidden(stone.public_id) if stone.public_id else None
    # A table and a file of two versions may know of one row in both ways.
    twins = set(stored.filter(public_id__in=[stone.public_id for stone in plain]).values_list("public_id", flat=True))
    Tombstone.objects.filter(pk__in=[stone.pk for stone in plain if stone.public_id in twins]).delete()
    kept = [stone for stone in plain if stone.public_id not in twins]
    Tombstone.objects.bulk_update(kept, ["public_id"], batch_size=1_000)


def _cells(stone: Tombstone) -> tuple[object, ...]:
    key, flags = bytes(stone.address_hash or b"").hex(), " ".join(stone.flags)
    return stone.letter_id, stone.kind, key, _rounded(stone).isoformat(), flags, stone.public_id or ""


def _rounded(stone: Tombstone) -> datetime:
    """Returns the end of the day on which somebody erased: nothing needs more, and more tells when a name went.

    Without a public id the moment tells which signature of the address it was.
    """
    if not stone.public_id:
        return stone.at
    day = stone.at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day if day == stone.at else day + timedelta(days=1)


def _tombstone(letter_id: str, kind: str, key: str, at: str, flags: str = "", public_id: str = "") -> Tombstone:
    return Tombstone(
        letter_id=int(letter_id),
        kind=Kind(kind),
        address_hash=bytes.fromhex(key) or None,
        at=datetime.fromisoformat(at).astimezone(UTC),
        flags=flags.split(),
        public_id=hidden(uuid.UUID(public_id)) if public_id else None,
    )


def _key(stone: Tombstone) -> tuple[object, ...]:
    """Returns what tells two tombstones apart."""
    return (
        (stone.public_id,)
        if stone.public_id
        else (stone.letter_id, stone.kind, bytes(stone.address_hash or b""), stone.at)
    )
