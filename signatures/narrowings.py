"""Narrowings: what signers took back, which a restored backup would bring again. A restore takes it back once more.

A file beside the database has a line for each signature that was withdrawn or changed, and for each address that gets
fewer emails. It names nobody: a line has a keyed hash, and what happened when, sealed under the pepper. So who carries
it away and knows the public list learns nothing of who left it, or when. A line counts where it is newer than what the
database knows of that signature, which is so after a restore alone. What widens is never done again.
"""

import hashlib
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Max
from django.utils import timezone
from nacl.exceptions import CryptoError
from nacl.secret import Aead

from campaign.runtime.complete_files import replaced_file
from signatures.models import AuditEntry, Signature, Suppression, Tombstone
from signatures.outbox import suppressions
from signatures.registries import AuditAction
from signatures.registries.typed_fields import TYPED_NAMES, WORDS
from signatures.signing import changes, withdrawal
from signatures.signing.signer_input import SignerInput
from signatures.states import State, Visibility
from signatures.transitions import TransitionNotAllowed
from signatures.values import csv_cells, sealing

SIGNATURE, ADDRESS = "signature", "address"
ACTIONS = (AuditAction.WITHDRAW, AuditAction.WITHDRAW_ON_REQUEST, AuditAction.CHANGE, AuditAction.END_UPDATES)
NO_UPDATES = "no-updates"
PADDED_LENGTH = 64  # bytes, so that the length of a line tells nothing
READ_TOGETHER = 5_000  # public ids that are in memory at once
_FROM_WIDE_TO_NARROW = (Visibility.PUBLIC, Visibility.DELIVERY, Visibility.COUNTED)

# How each signature stands, and since when. Staff who hide a public name do not change what its signer chose.
_OF_SIGNATURES = """
    SELECT s.public_id, max(e.at), CASE WHEN s.state = 'withdrawn' THEN s.state
        WHEN s.hidden_at IS NOT NULL THEN 'public' ELSE s.visibility END, s.sealed_address IS NULL
    FROM signatures_auditentry e JOIN signatures_signature s ON s.id = e.signature_id
    WHERE e.action = ANY (%s) AND e.at > %s GROUP BY s.id
"""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """How a signature stands since a time, or why an address gets fewer emails.

    Attributes:
        of: `SIGNATURE` or `ADDRESS`.
        key: the hidden public id, or the keyed hash of the address in hex.
        at: when that changed last, as ISO 8601 in UTC.
        codes: "withdrawn" or a visibility, and `NO_UPDATES`; or the reasons of a suppression.
        sealed: time and codes as the file has them; "" if they are not sealed yet.
    """

    of: str
    key: str
    at: str
    codes: str
    sealed: str = field(default="", compare=False)

    @property
    def place(self) -> tuple[str, str]:
        return self.of, self.key


type Known = Mapping[tuple[str, str], Narrowing]


def file_beside_database() -> Path:
    """Returns the path of the file that the worker keeps, and a restore reads."""
    return Path(settings.VAR_DIR) / "narrowings.csv"


def sync(*copies: Path) -> int:
    """Writes what database and file know to the file, and to copies of it. Returns the number of lines.

    Who was erased since has no line: the tombstone says more.

    Raises:
        csv_cells.UnreadableLine: a line of the file is none.
    """
    known = {line.place: line for line in _of_database()}
    of_file = list(_of_file(known))
    same = {line.place: line for line in of_file if line == known.get(line.place)}  # sealed already
    erased = {str(_hidden(each)) for each in Tombstone.objects.values_list("public_id", flat=True) if each}
    newer = {line.place: line for line in _newer_than(known, of_file) if line.key not in erased}
    lines = sorted((known | same | newer).values(), key=lambda line: line.place)  # not in the order of time
    cells = [(line.of, line.key, line.sealed or _seal(line)) for line in lines]
    for file in (file_beside_database(), *copies):
        with replaced_file(file) as draft, draft.open("w", newline="") as out:
            csv_cells.write_rows(out, cells)
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
    known = {line.place: line for line in _of_database()}
    found = [*_read(lines, "narrowings.csv of the backup", known), *_of_file(known)]
    newest = {line.place: line for line in _newer_than(known, found)}
    numbers = _numbers_of({line.key for line in newest.values() if line.of == SIGNATURE})
    return sum(_take_back(line, numbers.get(line.key)) for line in newest.values())


def _numbers_of(keys: Collection[str]) -> dict[str, int]:
    """Returns the numbers of the signatures with these hidden ids. The database knows no keyed hash: all are read."""
    if not keys:
        return {}
    rows = Signature.objects.values_list("pk", "public_id").iterator(chunk_size=READ_TOGETHER)
    hidden = ((str(_hidden(public_id)), number) for number, public_id in rows)
    return {key: number for key, number in hidden if key in keys}


def _hidden(public_id: uuid.UUID) -> uuid.UUID:
    return sealing.hidden_id(public_id, pepper=settings.EMAIL_HASH_PEPPER)


def _newer_than(known: Known, lines: Iterable[Narrowing]) -> Iterator[Narrowing]:
    """Yields the lines that are newer than what is known, from the oldest to the newest."""
    oldest = {SIGNATURE: _oldest(), ADDRESS: timezone.now() - suppressions.SUPPRESSED_FOR}
    for line in sorted(lines, key=lambda line: line.at):
        there = known.get(line.place)
        if line.at > (there.at if there else oldest[line.of].isoformat()):
            yield line


def _of_database() -> Iterator[Narrowing]:
    with connection.cursor() as cursor:
        cursor.execute(_OF_SIGNATURES, [list(ACTIONS), _oldest()])
        for public_id, at, stands, has_no_updates in cursor.fetchall():
            codes = f"{stands} {NO_UPDATES}" if has_no_updates else stands
            yield Narrowing(SIGNATURE, str(_hidden(public_id)), at.isoformat(), codes)
    for row in Suppression.objects.active():
        yield Narrowing(ADDRESS, bytes(row.address_hash).hex(), row.since.isoformat(), " ".join(row.reasons))


def _oldest() -> datetime:
    """No backup may be older than this."""
    return timezone.now() - timedelta(days=31 * settings.RETENTION_MONTHS)


def _of_file(known: Known) -> Iterator[Narrowing]:
    file = file_beside_database()
    if file.exists():
        with file.open(newline="") as lines:
            yield from _read(lines, file, known)


def _read(lines: Iterable[str], name: object, known: Known) -> Iterator[Narrowing]:
    return csv_cells.read_rows(lines, name, partial(_parsed, known), "narrowing")


def _parsed(known: Known, of: str, key: str, *rest: str) -> Narrowing:
    """Raises TypeError or ValueError unless these are the cells of a narrowing, sealed or of a former version."""
    if of == SIGNATURE:
        key = str(_hidden(uuid.UUID(key)))
    line = _opened(known, of, key, *rest) if len(rest) == 1 else Narrowing(of, key, *rest)
    datetime.fromisoformat(line.at)
    first, *others = line.codes.split() or [""]
    if of == SIGNATURE:
        is_known = first in {State.WITHDRAWN, *Visibility} and others in ([], [NO_UPDATES])
    else:
        is_known = of == ADDRESS and bool(bytes.fromhex(key)) and {first, *others} <= {*Suppression.Reason}
    if not is_known:
        raise ValueError
    return line


def _seal(line: Narrowing) -> str:
    words = f"{line.at} {line.codes}".ljust(PADDED_LENGTH).encode()
    sealed = _box().encrypt(words, "".join(line.place).encode(), nonce=_nonce(line))
    return bytes(sealed).hex()


def _nonce(line: Narrowing) -> bytes:
    """Returns a nonce that only this line has. So what has not changed is known by it, and is not sealed again."""
    words = f"{line.of} {line.key} {line.at} {line.codes}".encode()
    key = _key(b"narrowing nonce", settings.EMAIL_HASH_PEPPER)
    return hashlib.blake2b(words, digest_size=Aead.NONCE_SIZE, key=key).digest()


def _opened(known: Known, of: str, key: str, cell: str) -> Narrowing:
    """Returns the narrowing that is sealed in a cell.

    Raises:
        ValueError: when it is damaged, or was sealed under another pepper.
    """
    sealed, there = bytes.fromhex(cell), known.get((of, key))
    if there and sealed.startswith(_nonce(there)):
        return replace(there, sealed=cell)
    try:
        at, codes = _box().decrypt(sealed, f"{of}{key}".encode()).decode().split(" ", 1)
    except CryptoError as error:
        raise ValueError from error
    return Narrowing(of, key, at, codes.rstrip(), cell)


@cache
def _key(purpose: bytes, pepper: str) -> bytes:
    return sealing.derived_key(purpose, secret=pepper)


def _box() -> Aead:
    return Aead(_key(b"narrowing text", settings.EMAIL_HASH_PEPPER))


@transaction.atomic
def _take_back(line: Narrowing, number: int | None) -> bool:
    """Takes back what a line says, of the signature with this number. Returns whether that was withdrawn or changed."""
    codes = line.codes.split()
    if line.of == ADDRESS:
        for reason in codes:
            suppressions.suppress(
                bytes.fromhex(line.key), Suppression.Reason(reason), at=datetime.fromisoformat(line.at)
            )
        return False
    row = Signature.objects.filter(pk=number or 0).exclude(state=State.WITHDRAWN).first()
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
