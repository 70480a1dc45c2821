"""Imports of signatures collected on paper: preview the result of each line of a CSV file, import it, undo the import.

The file is not kept. Each signature records where its sheet of paper is, so that staff can look it up.
"""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_countries import countries

from campaign.letters import text_cache
from campaign.models import Letter, Translation
from campaign.runtime.locks import AdvisoryLock, transaction_lock
from signatures.audit import audit_log
from signatures.delivery.errata import blank_entries, record_errata
from signatures.models import PaperImport, Signature
from signatures.registries import AuditAction
from signatures.screening import checks
from signatures.states import Kind, State, Visibility
from signatures.values import names
from signatures.values.normalization import name_key

COLUMNS = ("name", "role", "organization", "country", "kind", "visibility", "signed_on", "sheet")
MAX_LINES, MAX_BYTES = 5_000, 1_000_000
MAX_SHEET_LENGTH = 100
ACCEPTED, DUPLICATE, REFUSED = "accepted", "duplicate", "refused"

type PersonKey = tuple[str, str, str]  # name key, country and organization: equal for two lines of one person


class ImportRefused(Exception):
    """The file as a whole cannot be imported. The message gives the reason and quotes nothing from the file."""


class PreviewOutdated(ImportRefused):
    """The results of the lines are no longer those that the preview showed."""


@dataclass(slots=True)
class PaperLine:
    """One line of the file, and its result."""

    number: int
    result: str = ACCEPTED
    explanation: str = ""
    words: dict[str, str] = field(default_factory=dict)
    signed_on: date | None = None
    flags: list[str] = field(default_factory=list)

    @property
    def key(self) -> PersonKey:
        name, organization = self.words["name"], self.words["organization"]
        return name_key(name) or name, self.words["country"], name_key(organization)


def decode(content: bytes) -> str:
    """Returns the text of a file.

    Raises:
        ImportRefused: when it is too large, or not in UTF-8.
    """
    if len(content) > MAX_BYTES:
        raise ImportRefused("The file is larger than a megabyte; please split it.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ImportRefused("The file is not in UTF-8; please save it as “CSV UTF-8”.") from None


def preview(letter: Letter, text: str) -> list[PaperLine]:
    """Returns the lines of a file with the result that an import would have now. Writes nothing.

    Raises:
        ImportRefused: when the text is not a table with the known columns, or too long.
    """
    lines = [_read_line(number, cells) for number, cells in _table(text)]
    accepted = [line for line in lines if line.result == ACCEPTED]
    protected_names = text_cache.people_named(letter)
    existing = _existing(accepted, letter)
    first: dict[PersonKey, int] = {}
    for line in accepted:
        if line.key in existing:
            line.result, line.explanation = DUPLICATE, f"signature {existing[line.key]} exists already"
        elif line.key in first:
            line.result, line.explanation = DUPLICATE, f"the same as line {first[line.key]}"
        else:
            first[line.key] = line.number
            is_organization = line.words["kind"] == Kind.ORGANIZATION
            line.flags = checks.flags(line.words, protected_names=protected_names, organization=is_organization)
            line.explanation = f"waits for review: {', '.join(line.flags)}" if line.flags else ""
    return lines


def preview_digest(lines: list[PaperLine]) -> str:
    """Returns a digest of all results, so that an import does what its preview showed or nothing."""
    results = "\n".join(f"{line.number} {line.result} {line.flags}" for line in lines)
    return hashlib.sha256(results.encode()).hexdigest()


@transaction.atomic
def import_lines(letter: Letter, text: str, *, by: int, shown: str) -> PaperImport:
    """Import the accepted lines, all or none, with an audit entry for each.

    Signatures without a flag are approved at once, because staff had the paper before them. Those with a flag wait for
    review, as they do online.

    Args:
        letter: the letter.
        text: the text of the file.
        by: the account id of the member of staff.
        shown: the digest of the preview (`preview_digest`).

    Raises:
        PreviewOutdated: when the results are no longer those of the preview.
        ImportRefused: when no line is accepted.
    """
    # The same file sent twice at once: the second request waits, and finds every line there already.
    transaction_lock(AdvisoryLock.IMPORT_PAPER, letter.pk)
    lines = preview(letter, text)
    if preview_digest(lines) != shown:
        raise PreviewOutdated(
            "The result of some lines has changed meanwhile. Nothing was imported. Please look again."
        )
    translation = Translation.objects.newest(letter.slug, settings.LANGUAGE_CODE)
    rows = [_signature(line, translation) for line in lines if line.result == ACCEPTED] if translation else []
    if not rows:
        raise ImportRefused("There is nothing to import.")
    imported = Signature.objects.bulk_create(rows)
    first, last = audit_log.record_each(AuditAction.IMPORT, imported, staff_id=by)
    return PaperImport.objects.create(
        letter=letter, staff_id=by, number=len(imported), first_entry=first, last_entry=last
    )


def signatures_of(paper_import: PaperImport) -> QuerySet[Signature]:
    """Returns the signatures of an import that are left."""
    ids = audit_log.signatures_in(
        paper_import.first_entry, paper_import.last_entry, action=AuditAction.IMPORT, letter_id=paper_import.letter_id
    )
    return Signature.objects.filter(pk__in=ids, paper=True)


@transaction.atomic
def undo_import(paper_import: PaperImport, *, by: int) -> int:
    """Undo a whole import: delete its signatures, also those that were changed since.

    Returns the number of deleted signatures.

    Raises:
        ImportRefused: when it was undone before.
    """
    locked = PaperImport.objects.select_for_update().get(pk=paper_import.pk)
    if locked.undone_at:
        raise ImportRefused("This import was undone before.")
    rows = list(signatures_of(locked).select_for_update().order_by("pk"))
    remaining_ids = [row.pk for row in rows]
    record_errata(remaining_ids)
    if rows:
        audit_log.record_each(AuditAction.UNDO_IMPORT, rows, staff_id=by, erased=True)
    blank_entries(remaining_ids)
    Signature.objects.filter(pk__in=remaining_ids).delete()
    locked.undone_at = timezone.now()
    locked.save(update_fields=["undone_at"])
    return len(rows)


def _table(text: str) -> Iterator[tuple[int, Mapping[str, str] | None]]:
    """Yields the number and the cells of each line that is not empty; None when a line has too many cells."""
    head = text.split("\n", 1)[0]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=";" if head.count(";") > head.count(",") else ",")
    try:
        columns = [name.strip().lower() for name in next(lines, [])]
        unknown = [name for name in columns if name not in COLUMNS]
        if unknown or "name" not in columns or len(set(columns)) < len(columns):
            raise ImportRefused(f"The first line must name the columns: {', '.join(COLUMNS)}. Only “name” is required.")
        for count, cells in enumerate(filter(any, lines), start=1):
            if count > MAX_LINES:
                raise ImportRefused(f"The file has more than {MAX_LINES} lines; please split it.")
            yield lines.line_num, dict(zip(columns, cells, strict=False)) if len(cells) <= len(columns) else None
    except csv.Error:
        raise ImportRefused("The file is not in CSV format.") from None


def _read_line(number: int, cells: Mapping[str, str] | None) -> PaperLine:
    """Returns the line, cleaned by the rules of the sign form."""
    line = PaperLine(number, words=dict.fromkeys(COLUMNS, ""))
    if cells is None:
        line.result, line.explanation = REFUSED, "It has more cells than there are columns."
        return line
    line.words |= {column: cell.strip()[:200] for column, cell in cells.items()}  # shown if the line is refused
    try:
        line.words |= _clean_cells({**dict.fromkeys(COLUMNS, ""), **cells})
        line.signed_on = _parse_day(line.words["signed_on"])
    except ValueError as error:
        line.result, line.explanation = REFUSED, str(error)
    return line


def _clean_cells(cells: Mapping[str, str]) -> dict[str, str]:
    kind = cells["kind"].strip().lower() or Kind.PERSON
    visibility = cells["visibility"].strip().lower() or Visibility.DELIVERY
    country = cells["country"].strip().upper()
    if kind not in Kind.values:
        raise ValueError("The kind must be “person” or “organization”.")
    if visibility not in {Visibility.PUBLIC, Visibility.DELIVERY}:
        raise ValueError("The visibility must be “public” or “delivery”: nobody signs on paper without a name.")
    if country and country not in countries.countries:
        raise ValueError("The country must be a code of two letters (ISO 3166-1), or empty.")
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
        raise ValueError("The day must be written like 2026-05-31, or left empty.") from None
    if day > timezone.now().date() or day.year < 1900:
        raise ValueError("The day is in the future, or too long ago.")
    return day


def _existing(lines: list[PaperLine], letter: Letter) -> dict[PersonKey, int]:
    """Returns the ids of confirmed signatures by the same people as these lines."""
    confirmed = Signature.objects.filter(letter=letter).standing()
    columns = ("country", "organization", "pk")
    found = confirmed.filter(name_key__in={line.key[0] for line in lines}).order_by("-pk")
    rows = [*found.values_list("name_key", *columns)]
    if names_without_key := {line.words["name"] for line in lines if not name_key(line.words["name"])}:
        rows += confirmed.filter(name_key="", name__in=names_without_key).values_list("name", *columns)
    return {(name, country, name_key(organization)): pk for name, country, organization, pk in rows}


def _signature(line: PaperLine, translation: Translation) -> Signature:
    words, now = line.words, timezone.now()
    return Signature(
        letter_id=translation.revision.letter_id,
        translation=translation,
        paper=True,
        **{column: words[column] for column in COLUMNS if column != "signed_on"},
        **names.search_columns(words["name"], words["organization"]),
        language=translation.language,
        state=State.WAITING if line.flags else State.APPROVED,
        flags=line.flags,
        signed_up_at=now,
        confirmed_at=datetime.combine(line.signed_on, time(), UTC) if line.signed_on else now,
        approved_on=None if line.flags else now.date(),
    )
