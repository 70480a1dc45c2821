"""Actions that hand out the deliverable list as it is now, as CSV and as PDF. The audit entry comes first."""

import contextlib
import hashlib
import shutil
import tempfile
from datetime import UTC
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from campaign.models import Letter, Translation
from signatures.audit import audit_log
from signatures.delivery import csv_export, document_data, pdf, snapshot
from signatures.models import PaperImport, Signature, SignatureQuerySet
from signatures.registries import AuditAction


class NothingToExport(Exception):
    """The letter has no published text yet."""


def export_csv(letter: Letter, out: IO[bytes], *, by: int | None, reason: str) -> int:
    """Writes the deliverable list. Returns the number of rows.

    The audit entry is committed before the first byte (threat model E4).
    """
    with tempfile.TemporaryFile() as file:
        if PaperImport.objects.filter(letter=letter, undone_at=None).exists():
            rows = csv_export.write_signatures(_deliverable(letter), file, source=True)
        else:
            # An import that runs at this very moment stays out of a list that has no column to mark its rows.
            rows = csv_export.write_signatures(_deliverable(letter).filter(paper=False), file)
        _record(letter, "csv", file, rows=rows, by=by, reason=reason)
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
    signatures = _deliverable(letter)
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


def _record(letter: Letter, form: str, file: IO[bytes], *, rows: int, by: int | None, reason: str) -> None:
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
            detail={"form": form, "rows": rows, "sha256": digest},
        )


def _deliverable(letter: Letter) -> SignatureQuerySet:
    return Signature.objects.filter(letter=letter).deliverable().in_order(letter.order)
