"""Previews: files that staff uploaded wait a day in the database, sealed, until they are imported or discarded.

An ended session loses nothing. Whoever reads the database without SECRET_KEY learns no name (threat model A28).
"""

import json
import zlib
from dataclasses import asdict, dataclass, field, replace

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from nacl.exceptions import CryptoError
from nacl.secret import Aead

from campaign.models import Letter
from signatures.models import PaperImport
from signatures.paper import columns, headings, reading
from signatures.paper.columns import Columns
from signatures.paper.judging import PaperLine, decide, judge
from signatures.values import sealing

MAX_PREVIEWS = 5  # of one account
_SAVED = ("sealed_preview", "expires_at", "columns", "failure")


class NoPreview(Exception):
    """The file is not there any more: it was imported or discarded, a day has passed, or SECRET_KEY was replaced."""


class TooManyPreviews(Exception):
    """The account has as many unfinished files as it may. The message is a sentence for staff."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What staff said about a file, and the fate of each of its lines, once they are judged.

    Attributes:
        choices: how it is read.
        columns: what its columns are taken for; None as long as nobody said.
        others: the numbers of lines that are another person of the same name.
        lines: the lines, as `judge` returned them.
    """

    choices: reading.Choices
    columns: Columns | None = None
    others: list[int] = field(default_factory=list)
    lines: list[PaperLine] = field(default_factory=list)


@transaction.atomic
def keep(letter: Letter, content: bytes, *, by: int) -> PaperImport:
    """Keeps a file that was uploaded. Returns its row.

    Raises:
        TooManyPreviews: when others have to be imported or discarded first.
        CannotRead: when it is no table.
    """
    if PaperImport.objects.previews().filter(staff_id=by).count() >= MAX_PREVIEWS:
        raise TooManyPreviews(
            f"You have {MAX_PREVIEWS} files that are not imported yet. "
            "Please import or discard one of them at “Paper imports”, then choose this file again."
        )
    reading.read_table(content, reading.Choices())
    row = PaperImport(letter=letter, staff_id=by, number=0, first_entry=0, last_entry=0)
    row.sealed_file = _seal(row, b"file", content)
    _write(row, Preview(reading.Choices()))
    row.save()
    return row


@transaction.atomic
def save(row: PaperImport, preview: Preview) -> None:
    """Stores what staff said; the day begins anew.

    Raises:
        NoPreview: when it was imported or discarded since the row was read.
    """
    locked(row)
    _write(row, preview)
    row.save(update_fields=_SAVED)


def locked(row: PaperImport) -> PaperImport:
    """Returns the preview as it is now, and keeps others from changing it until the transaction ends.

    Raises:
        NoPreview: when it was imported or discarded since the row was read.
    """
    found = PaperImport.objects.previews().select_for_update().filter(pk=row.pk, staff_id=row.staff_id).first()
    if found is None:
        raise NoPreview
    return found


def _write(row: PaperImport, preview: Preview) -> None:
    row.sealed_preview = _seal(row, b"preview", json.dumps(asdict(preview)).encode())
    row.expires_at = timezone.now() + PaperImport.KEPT_FOR


@transaction.atomic
def discard(row: PaperImport) -> None:
    """Deletes a preview. Raises NoPreview when it was imported or discarded since the row was read."""
    locked(row).delete()


def open_preview(row: PaperImport) -> Preview:
    """Returns what staff said about a file.

    Raises:
        NoPreview: when it is gone.
    """
    kept = json.loads(_open(row, b"preview", row.sealed_preview))
    if kept["columns"]:
        kept["columns"].pop("day_first", None)  # of the release before; the order is asked once more
    return Preview(
        choices=reading.Choices(**kept["choices"]),
        columns=Columns(**kept["columns"]) if kept["columns"] else None,
        others=kept["others"],
        lines=[PaperLine(**line) for line in kept["lines"]],
    )


def read(row: PaperImport, choices: reading.Choices) -> reading.Table:
    """Returns the table of the file.

    Raises:
        NoPreview: when it is gone.
        CannotRead: when it cannot be read so.
    """
    return reading.read_table(_open(row, b"file", row.sealed_file), choices)


def show(row: PaperImport, preview: Preview, table: reading.Table) -> Preview:
    """Judges the lines anew and stores their fates, with what the headings were taken for. Returns the preview.

    Raises:
        NoPreview: when nobody chose columns, or it was imported or discarded since the row was read.
    """
    chosen = preview.columns
    if chosen is None:
        raise NoPreview
    shown = replace(preview, lines=judge(row.letter, table, chosen, others=set(preview.others)))
    texts = columns.headings_of(table, chosen.heading)
    row.columns = {headings.digest(text): field for text, field in zip(texts, chosen.fields, strict=True)}
    row.failure = ""
    save(row, shown)
    return shown


@transaction.atomic
def show_again(row: PaperImport) -> None:
    """Judges the lines anew. Raises NoPreview and CannotRead like `show` and `read`."""
    row = locked(row)
    preview = open_preview(row)
    show(row, preview, read(row, preview.choices))


@transaction.atomic
def take_as_other(row: PaperImport, number: int, *, is_other: bool) -> None:
    """Makes a duplicate another person of the same name, or takes that back. Twice the same changes nothing.

    Raises:
        NoPreview: when it was imported or discarded since the row was read.
    """
    row = locked(row)
    preview = open_preview(row)
    others = {*preview.others} - {number} | ({number} if is_other else set())
    for line in preview.lines:
        if line.number == number and line.same_as:
            decide(line, row.letter, is_other=is_other)
            save(row, replace(preview, others=sorted(others)))


def remembered(by: int) -> dict[str, str]:
    """Returns what this member of staff took headings for last, by the digests of the headings."""
    found: dict[str, str] = {}
    for taken in PaperImport.objects.filter(staff_id=by).exclude(columns={}).values_list("columns", flat=True)[:10]:
        found = taken | found
    return found


def delete_expired() -> int:
    """Deletes the previews that waited for a day, and returns their number."""
    return PaperImport.objects.expired().delete()[0]


def _seal(row: PaperImport, purpose: bytes, plain: bytes) -> bytes:
    return bytes(_box(purpose).encrypt(zlib.compress(plain), _owner(row)))


def _open(row: PaperImport, purpose: bytes, sealed: bytes | memoryview | None) -> bytes:
    if sealed is None:
        raise NoPreview
    try:
        return zlib.decompress(_box(purpose).decrypt(bytes(sealed), _owner(row)))
    except CryptoError:
        raise NoPreview from None


def _owner(row: PaperImport) -> bytes:
    return f"{row.letter_id} {row.staff_id}".encode()


def _box(purpose: bytes) -> Aead:
    return Aead(sealing.derived_key(b"paper " + purpose, secret=settings.SECRET_KEY))
