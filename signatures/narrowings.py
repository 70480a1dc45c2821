"""Narrowings: what signers took back, which a restored backup would bring again. A restore takes it back once more.

A file beside the database has a line for each signature that was withdrawn or changed, and for each address that gets
fewer emails. It names nobody: it has numbers, keyed hashes, times and codes. A line counts where it is newer than what
the database knows of that signature, which is so after a restore alone. What widens is never done again.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Max
from django.utils import timezone

from campaign.runtime.complete_files import replaced_file
from signatures.models import AuditEntry, Signature, Suppression, Tombstone
from signatures.outbox import suppressions
from signatures.registries import AuditAction
from signatures.registries.typed_fields import TYPED_NAMES, WORDS
from signatures.signing import changes, withdrawal
from signatures.signing.signer_input import SignerInput
from signatures.states import State, Visibility
from signatures.transitions import TransitionNotAllowed
from signatures.values import csv_cells

SIGNATURE, ADDRESS = "signature", "address"
ACTIONS = (AuditAction.WITHDRAW, AuditAction.WITHDRAW_ON_REQUEST, AuditAction.CHANGE, AuditAction.END_UPDATES)
NO_UPDATES = "no-updates"
_FROM_WIDE_TO_NARROW = (Visibility.PUBLIC, Visibility.DELIVERY, Visibility.COUNTED)

# How each signature stands, and since when. Staff who hide a public name do not change what its signer chose.
_OF_SIGNATURES = """
    SELECT s.public_id::text, max(e.at), CASE WHEN s.state = 'withdrawn' THEN s.state
        WHEN s.hidden_at IS NOT NULL THEN 'public' ELSE s.visibility END, s.sealed_address IS NULL
    FROM signatures_auditentry e JOIN signatures_signature s ON s.id = e.signature_id
    WHERE e.action = ANY (%s) AND e.at > %s GROUP BY s.id
"""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """How a signature stands since a time, or why an address gets fewer emails.

    Attributes:
        of: `SIGNATURE` or `ADDRESS`.
        key: the public id, or the keyed hash of the address in hex.
        at: when that changed last, as ISO 8601 in UTC.
        codes: "withdrawn" or a visibility, and `NO_UPDATES`; or the reasons of a suppression.
    """

    of: str
    key: str
    at: str
    codes: str


def file_beside_database() -> Path:
    """Returns the path of the file that the worker keeps, and a restore reads."""
    return Path(settings.VAR_DIR) / "narrowings.csv"


def sync(*copies: Path) -> int:
    """Writes what database and file know to the file, and to copies of it. Returns the number of lines.

    Who was erased since has no line: the tombstone says more.

    Raises:
        csv_cells.UnreadableLine: a line of the file is none.
    """
    known = {(line.of, line.key): line for line in _of_database()}
    erased = {str(public_id) for public_id in Tombstone.objects.values_list("public_id", flat=True)}
    newer = [line for line in _newer_than(known, _of_file()) if line.key not in erased]
    lines = [*(known | {(line.of, line.key): line for line in newer}).values()]
    for file in (file_beside_database(), *copies):
        with replaced_file(file) as draft, draft.open("w", newline="") as out:
            csv_cells.write_rows(out, map(astuple, lines))
    return len(lines)


def sync_what_is_new() -> int:
    """As `sync`, if there is something new since this process wrote the file. Returns the lines written."""
    found = _newest()
    if _written.get(settings.VAR_DIR) == found:
        return 0
    written = sync()
    _written[settings.VAR_DIR] = found[0], _newest()[1]  # with the file as it is now
    return written


_written: dict[Path, tuple[object, object]] = {}


def _newest() -> tuple[object, object]:
    """Returns what is new in the database, and the time and size of the file."""
    entries = [AuditEntry.objects.filter(action=each).order_by("-at", "-pk").values_list("pk")[:1] for each in ACTIONS]
    suppressed = Suppression.objects.aggregate(Max("since"), Max("released_at"), Count("pk"))
    file = file_beside_database()
    stat = file.stat() if file.exists() else None
    return ([*map(list, entries), suppressed], stat and (stat.st_mtime_ns, stat.st_size))


def take_back_again(lines: Iterable[str] = ()) -> int:
    """Takes back what is newer in these lines, or in the file beside the database, than in the database.

    Returns the number of signatures that were withdrawn or changed.

    Raises:
        csv_cells.UnreadableLine: a line is none.
    """
    of_backup = _read(lines, "narrowings.csv of the backup")
    known = {(line.of, line.key): line for line in _of_database()}
    newest = {(line.of, line.key): line for line in _newer_than(known, [*of_backup, *_of_file()])}
    return sum(_take_back(line) for line in newest.values())


def _newer_than(known: Mapping[tuple[str, str], Narrowing], lines: Iterable[Narrowing]) -> Iterator[Narrowing]:
    """Yields the lines that are newer than what is known, from the oldest to the newest."""
    oldest = {SIGNATURE: _oldest(), ADDRESS: timezone.now() - suppressions.SUPPRESSED_FOR}
    for line in sorted(lines, key=lambda line: line.at):
        there = known.get((line.of, line.key))
        if line.at > (there.at if there else oldest[line.of].isoformat()):
            yield line


def _of_database() -> Iterator[Narrowing]:
    with connection.cursor() as cursor:
        cursor.execute(_OF_SIGNATURES, [list(ACTIONS), _oldest()])
        for public_id, at, stands, has_no_updates in cursor.fetchall():
            yield Narrowing(
                SIGNATURE, public_id, at.isoformat(), f"{stands} {NO_UPDATES}" if has_no_updates else stands
            )
    for row in Suppression.objects.active():
        yield Narrowing(ADDRESS, bytes(row.address_hash).hex(), row.since.isoformat(), " ".join(row.reasons))


def _oldest() -> datetime:
    """No backup may be older than this."""
    return timezone.now() - timedelta(days=31 * settings.RETENTION_MONTHS)


def _of_file() -> list[Narrowing]:
    file = file_beside_database()
    if not file.exists():
        return []
    with file.open(newline="") as lines:
        return list(_read(lines, file))


def _read(lines: Iterable[str], name: object) -> Iterator[Narrowing]:
    return csv_cells.read_rows(lines, name, _parsed, "narrowing")


def _parsed(*cells: str) -> Narrowing:
    """Raises TypeError or ValueError unless these are the cells of a narrowing."""
    line = Narrowing(*cells)
    datetime.fromisoformat(line.at)
    first, *others = line.codes.split() or [""]
    if line.of == SIGNATURE:
        uuid.UUID(line.key)
        is_known = first in {State.WITHDRAWN, *Visibility} and others in ([], [NO_UPDATES])
    else:
        is_known = line.of == ADDRESS and bool(bytes.fromhex(line.key)) and {first, *others} <= {*Suppression.Reason}
    if not is_known:
        raise ValueError
    return line


@transaction.atomic
def _take_back(line: Narrowing) -> bool:
    """Returns whether a signature was withdrawn or changed."""
    codes = line.codes.split()
    if line.of == ADDRESS:
        for reason in codes:
            suppressions.suppress(
                bytes.fromhex(line.key), Suppression.Reason(reason), at=datetime.fromisoformat(line.at)
            )
        return False
    row = Signature.objects.filter(public_id=line.key).exclude(state=State.WITHDRAWN).first()
    if row is None:
        return False
    with suppress(TransitionNotAllowed):
        if State.WITHDRAWN in codes:
            withdrawal.withdraw(row)
            return True
        is_narrower = _narrow(row, Visibility(codes[0]))
        ends_updates = NO_UPDATES in codes and row.sealed_address is not None
        if ends_updates:
            withdrawal.unsubscribe(row)
        return is_narrower or ends_updates
    return False


def _narrow(row: Signature, visibility: Visibility) -> bool:
    """Changes the visibility as its signer did, if that is narrower. Returns whether it is."""
    width = _FROM_WIDE_TO_NARROW.index
    if width(visibility) <= width(Visibility(row.chosen_visibility)):
        return False
    values = {name: getattr(row, name) for name in TYPED_NAMES} | {"visibility": visibility}
    if visibility == Visibility.COUNTED:
        values |= dict.fromkeys(WORDS, "")
    changes.change(row, SignerInput(row.translation, row.page_language or row.language, values))
    return True
