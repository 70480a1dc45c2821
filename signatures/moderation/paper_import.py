"""Signatures collected on paper: what would become of each line of a file, to take it in, and to take that back.

The file is kept nowhere. Of each row stands where its sheet lies, so that staff can go and look.
"""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django_countries import countries

from campaign.models import Letter, Translation
from campaign.runtime.locks import AdvisoryLock, transaction_lock
from signatures.audit import audit_log
from signatures.models import Delivery, DeliveryEntry, Erratum, PaperImport, Signature
from signatures.registries import AuditAction
from signatures.screening import checks
from signatures.states import Kind, State, Visibility
from signatures.values import names
from signatures.values.normalization import name_key, search_text

COLUMNS = ("name", "role", "organization", "country", "kind", "visibility", "signed_on", "sheet")
MAX_LINES, MAX_BYTES = 5_000, 1_000_000
MAX_SHEET_LENGTH = 100
ACCEPTED, DUPLICATE, REFUSED = "taken", "duplicate", "refused"


class ImportRefused(Exception):
    """The file as a whole cannot be taken; the message says why, and holds nothing of it."""

    def __init__(self, reason: str | Promise) -> None:
        super().__init__(str(reason))


class PreviewOutdated(ImportRefused):
    """What would become of its lines is no longer what was shown."""


@dataclass(slots=True)
class PaperLine:
    """One line of the file, and what becomes of it."""

    number: int
    fate: str = ACCEPTED
    why: str = ""
    words: dict[str, str] = field(default_factory=dict)
    signed_on: date | None = None
    flags: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str, str]:
        """What two lines of one person have in common."""
        name, organization = self.words["name"], self.words["organization"]
        return name_key(name) or name, self.words["country"], name_key(organization)


def decode(content: bytes) -> str:
    """The text of a file.

    Raises:
        NotTaken: when it is too large, or no UTF-8.
    """
    if len(content) > MAX_BYTES:
        raise ImportRefused("The file is larger than a megabyte; please split it.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ImportRefused("The file is not in UTF-8; please save it as “CSV UTF-8”.") from None


def preview(letter: Letter, text: str) -> list[PaperLine]:
    """What would become of each line. Writes nothing.

    Raises:
        NotTaken: when it is no such table, or too long.
    """
    lines = [_cleaned(number, cells) for number, cells in _table(text)]
    protected_names = _protected_names(letter)
    there = _existing([line for line in lines if line.fate == ACCEPTED], letter)
    first: dict[tuple[str, str, str], int] = {}
    for line in lines:
        if line.fate != ACCEPTED:
            continue
        if line.key in there:
            line.fate, line.why = DUPLICATE, str("signature %d is there already" % there[line.key])
        elif line.key in first:
            line.fate, line.why = DUPLICATE, str("the same as line %d" % first[line.key])
        else:
            first[line.key] = line.number
            is_organization = line.words["kind"] == Kind.ORGANIZATION
            line.flags = checks.flags(line.words, protected_names=protected_names, organization=is_organization)
            line.why = str("it waits for a look: %s" % ", ".join(line.flags)) if line.flags else ""
    return lines


def preview_digest(lines: list[PaperLine]) -> str:
    """Of what becomes of them, so that nothing else is done than what was shown."""
    fates = "\n".join(f"{line.number} {line.fate} {line.flags}" for line in lines)
    return hashlib.sha256(fates.encode()).hexdigest()


@transaction.atomic
def import_lines(letter: Letter, text: str, *, by: int, shown: str) -> PaperImport:
    """Take the lines that can be taken, all or none, each with its entry in the trail.

    They are approved at once, because staff had the paper before them; what a flag is on waits as from anybody.

    Raises:
        Changed: when their fates are not those that were shown (their `digest`).
        NotTaken: when there is nothing to take.
    """
    # The same file sent twice at once: the second request waits, and finds every line there already.
    transaction_lock(AdvisoryLock.IMPORT_PAPER, letter.pk)
    lines = preview(letter, text)
    if preview_digest(lines) != shown:
        raise PreviewOutdated("What becomes of the lines has changed meanwhile; nothing was taken. Please look again.")
    translation = Translation.objects.newest(letter.slug, settings.LANGUAGE_CODE)
    rows = [_row(line, translation) for line in lines if line.fate == ACCEPTED] if translation else []
    if not rows:
        raise ImportRefused("There is nothing to take.")
    made = Signature.objects.bulk_create(rows)
    first, last = audit_log.record_each(AuditAction.IMPORT, made, staff_id=by)
    return PaperImport.objects.create(letter=letter, staff_id=by, number=len(made), first_entry=first, last_entry=last)


@transaction.atomic
def undo_import(taken: PaperImport, *, by: int) -> int:
    """Take a whole import back: its rows go, whatever became of them since; how many.

    Raises:
        NotTaken: when it was taken back before.
    """
    locked = PaperImport.objects.select_for_update().get(pk=taken.pk)
    if locked.undone_at:
        raise ImportRefused("This import was taken back before.")
    numbers = audit_log.signatures_in(
        locked.first_entry, locked.last_entry, action=AuditAction.IMPORT, letter_id=locked.letter_id
    )
    rows = list(Signature.objects.filter(pk__in=numbers, paper=True).select_for_update().order_by("pk"))
    if rows:
        audit_log.record_each(AuditAction.UNDO_IMPORT, rows, staff_id=by, erased=True)
    _leave_deliveries(rows)
    Signature.objects.filter(pk__in=[row.pk for row in rows]).delete()
    locked.undone_at = timezone.now()
    locked.save(update_fields=["undone_at"])
    return len(rows)


def _leave_deliveries(rows: list[Signature]) -> None:
    """An erratum for each that a delivery took out of the house; and no words stay there that nobody could erase."""
    standing = [row.pk for row in rows if row.state != State.WITHDRAWN]
    for delivery in Delivery.objects.gone_out().order_by("pk").select_for_update():
        first, today = delivery.errata.count() + 1, timezone.now().date()
        many = delivery.rows.filter(signature_id__in=standing).count()
        Erratum.objects.bulk_create(
            Erratum(delivery=delivery, number=number, day=today) for number in range(first, first + many)
        )
    DeliveryEntry.objects.filter(signature_id__in=[row.pk for row in rows], salt__isnull=False).blank()


def _table(text: str) -> Iterator[tuple[int, Mapping[str, str] | None]]:
    """The number of each line that holds something, with its cells; None where there are too many of them."""
    head = text.split("\n", 1)[0]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=";" if head.count(";") > head.count(",") else ",")
    try:
        columns = [name.strip().lower() for name in next(lines, [])]
        unknown = [name for name in columns if name not in COLUMNS]
        if unknown or "name" not in columns or len(set(columns)) < len(columns):
            raise ImportRefused("The first line names the columns: %s. Only “name” must be there." % ", ".join(COLUMNS))
        for count, cells in enumerate(filter(any, lines), start=1):
            if count > MAX_LINES:
                raise ImportRefused("The file has more than %d lines; please split it." % MAX_LINES)
            yield lines.line_num, dict(zip(columns, cells, strict=False)) if len(cells) <= len(columns) else None
    except csv.Error:
        raise ImportRefused("The file is no CSV.") from None


def _cleaned(number: int, cells: Mapping[str, str] | None) -> PaperLine:
    """The line by the same rules as the form."""
    line = PaperLine(number, words=dict.fromkeys(COLUMNS, ""))
    if cells is None:
        line.fate, line.why = REFUSED, "It has more cells than there are columns."
        return line
    line.words |= {column: cell.strip()[:200] for column, cell in cells.items()}  # to be shown, if it is refused
    try:
        line.words |= _clean_cells({**dict.fromkeys(COLUMNS, ""), **cells})
        line.signed_on = _parse_day(line.words["signed_on"])
    except ValueError as error:
        line.fate, line.why = REFUSED, str(error)
    return line


def _clean_cells(cells: Mapping[str, str]) -> dict[str, str]:
    kind = cells["kind"].strip().lower() or Kind.PERSON
    visibility = cells["visibility"].strip().lower() or Visibility.DELIVERY
    country = cells["country"].strip().upper()
    if kind not in Kind.values:
        raise ValueError("The kind is “person” or “organization”.")
    if visibility not in {Visibility.PUBLIC, Visibility.DELIVERY}:
        raise ValueError("The visibility is “public” or “delivery”: nobody signs on paper without a name.")
    if country and country not in countries.countries:
        raise ValueError("The country is its code of two letters (ISO 3166-1), or empty.")
    return {
        "name": names.clean_name(cells["name"]),
        "role": names.clean_line(cells["role"]),
        "organization": names.clean_line(cells["organization"]),
        "sheet": names.clean_line(cells["sheet"], longest=MAX_SHEET_LENGTH),
        "country": country,
        "kind": str(kind),
        "visibility": str(visibility),
    }


def _parse_day(typed: str) -> date | None:
    if not typed:
        return None
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        raise ValueError("The day is written as 2026-05-31, or left empty.") from None
    if day > timezone.now().date() or day.year < 1900:
        raise ValueError("The day lies in the future, or too long ago.")
    return day


def _existing(lines: list[PaperLine], letter: Letter) -> dict[tuple[str, str, str], int]:
    """Of which of these lines there is a signature already, and its number."""
    alike = {line.key[0] for line in lines}
    standing = Signature.objects.filter(letter=letter).exclude(state__in=[State.UNCONFIRMED, State.WITHDRAWN])
    found = standing.filter(name_key__in=alike)
    rows = [*found.order_by("-pk").values_list("name_key", "country", "organization", "pk")]
    if without := {line.words["name"] for line in lines if not name_key(line.words["name"])}:
        found = standing.filter(name_key="", name__in=without)
        rows += found.values_list("name", "country", "organization", "pk")
    return {(name, country, name_key(of)): number for name, country, of, number in rows}


def _protected_names(letter: Letter) -> list[str]:
    """Whom the letter itself names."""
    text = Translation.objects.newest(letter.slug, settings.LANGUAGE_CODE)
    named = [*text.addressee.split("\n"), *(person["name"] for person in text.signatories)] if text else []
    return [letter.recipient, *named]


def _row(line: PaperLine, translation: Translation) -> Signature:
    words, now = line.words, timezone.now()
    return Signature(
        letter_id=translation.revision.letter_id,
        translation=translation,
        paper=True,
        **{column: words[column] for column in COLUMNS if column != "signed_on"},
        name_key=name_key(words["name"]),
        sort_key=names.sort_key(words["name"]),
        search_text=search_text(words["name"], words["organization"]),
        language=translation.language,
        state=State.WAITING if line.flags else State.APPROVED,
        flags=line.flags,
        signed_up_at=now,
        confirmed_at=datetime.combine(line.signed_on, time(), UTC) if line.signed_on else now,
        approved_on=None if line.flags else now.date(),
    )
