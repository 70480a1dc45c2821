"""Actions that hand out the deliverable list as it is now, as a table and as PDF. The audit entry comes first."""

import contextlib
import hashlib
import shutil
import tempfile
from datetime import UTC
from enum import StrEnum
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from campaign.models import Letter, Translation
from signatures.audit import audit_log
from signatures.delivery import csv_export, document_data, pdf, snapshot, xlsx_export
from signatures.delivery.selection import EVERYBODY, Selection
from signatures.registries import AuditAction


class NothingToExport(Exception):
    """The letter has no published text yet."""


class Table(StrEnum):
    """The forms that the list has as a table. A web address and the audit log have them, too."""

    CSV = "csv"
    SEMICOLONS = "semicolons"
    XLSX = "xlsx"

    @property
    def ending(self) -> str:
        return ".xlsx" if self == Table.XLSX else ".csv"

    @property
    def content_type(self) -> str:
        return xlsx_export.CONTENT_TYPE if self == Table.XLSX else "text/csv; charset=utf-8"


def export_list(
    letter: Letter,
    out: IO[bytes],
    *,
    by: int | None,
    reason: str,
    form: Table = Table.CSV,
    selection: Selection = EVERYBODY,
) -> int:
    """Writes the deliverable list, or a selection of it. Returns the number of rows.

    The audit entry is committed before the first byte (threat model E4).
    """
    with tempfile.TemporaryFile() as file:
        if form == Table.XLSX:
            with snapshot.read_transaction():
                rows = xlsx_export.write_list(letter, file, selection)
        else:
            delimiter = ";" if form == Table.SEMICOLONS else ","
            rows = csv_export.write_list(letter, file, selection, delimiter=delimiter)
        _record(letter, form, file, rows=rows, by=by, reason=reason, selection=selection)
        shutil.copyfileobj(file, out)
    return rows


def export_pdf(
    letter: Letter,
    out: Path,
    *,
    by: int | None,
    reason: str,
    options: pdf.Options = pdf.DEFAULT_OPTIONS,
    control: pdf.JobControl = pdf.DEFAULT_CONTROL,
) -> pdf.Report:
    """Writes the letter with its signatories. The audit entry is committed before the file appears (threat model E4).

    Raises:
        NothingToExport: no text is published.
        pdf.PdfFailed: Typst does not make it.
    """
    translation = Translation.objects.newest(letter.slug, settings.LANGUAGE_CODE)
    if translation is None:
        raise NothingToExport(f"{letter.slug} has no published text.")
    draft = out.with_name(f".{out.name}.part")
    try:
        report = _write_pdf(letter, translation, draft, options, control)
        with draft.open("rb") as file:
            _record(letter, "pdf", file, rows=report.names, by=by, reason=reason)
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    return report


def _write_pdf(
    letter: Letter, translation: Translation, out: Path, options: pdf.Options, control: pdf.JobControl
) -> pdf.Report:
    signatures = EVERYBODY.of(letter)
    with (
        snapshot.read_transaction(),
        contextlib.closing(document_data.current_entries(signatures, order=letter.order)) as entries,
    ):
        return pdf.write(
            document_data.letter_data(translation, document_data.frozen_letterhead(letter)),
            entries,
            counts=document_data.pdf_counts(snapshot.list_counts(letter), with_waiting=options.draft),
            record=pdf.Record(texts=snapshot.published_texts(letter)),
            options=options,
            out=out,
            fonts=settings.FONT_DIRS,
            timestamp=timezone.now().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC),
            control=control,
        )


def _record(
    letter: Letter,
    form: str,
    file: IO[bytes],
    *,
    rows: int,
    by: int | None,
    reason: str,
    selection: Selection = EVERYBODY,
) -> None:
    """Writes the audit entry of a finished file, and leaves the file at its beginning.

    Durable: an outer transaction, which could still roll it back, is an error.
    """
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # any file of bytes
    file.seek(0)
    with transaction.atomic(durable=True):
        audit_log.record(
            AuditAction.EXPORT,
            staff_id=by,
            letter_id=letter.pk,
            reason=reason,
            detail={"form": form, "rows": rows, "sha256": digest, **selection.described()},
        )
