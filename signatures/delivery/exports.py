"""Actions that hand out the deliverable list as it is now, as CSV and as PDF. The audit entry comes first."""

import contextlib
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


def export_csv(letter: Letter, out: IO[bytes], *, by: int | None) -> int:
    """Writes the deliverable list. Returns the number of rows.

    The audit entry is committed before the first byte (threat model E4).
    """
    _record(letter, "csv", by)
    if PaperImport.objects.filter(letter=letter, undone_at=None).exists():
        return csv_export.write_signatures(_deliverable(letter), out, source=True)
    # An import that runs at this very moment stays out of a list that has no column to mark its rows.
    return csv_export.write_signatures(_deliverable(letter).filter(paper=False), out)


def export_pdf(
    letter: Letter,
    out: Path,
    *,
    by: int | None,
    options: pdf.Options = pdf.DEFAULT_OPTIONS,
    control: pdf.JobControl = pdf.DEFAULT_CONTROL,
) -> pdf.Report:
    """Writes the letter with its signatories. The audit entry is committed before the first byte.

    Raises:
        NothingToExport: no text is published.
        pdf.PdfFailed: Typst does not make it.
    """
    translation = Translation.objects.newest(letter.slug, settings.LANGUAGE_CODE)
    if translation is None:
        raise NothingToExport(f"{letter.slug} has no published text.")
    _record(letter, "pdf", by)
    signatures = _deliverable(letter)
    with (
        snapshot.read_transaction(),
        contextlib.closing(document_data.current_entries(signatures, order=letter.order)) as entries,
    ):
        return pdf.write(
            document_data.letter_data(translation, letter.letterhead),
            entries,
            counts=document_data.pdf_counts(snapshot.list_counts(letter), with_waiting=options.draft),
            record=pdf.Record(texts=snapshot.published_texts(letter)),
            options=options,
            out=out,
            fonts=settings.FONT_DIRS,
            timestamp=timezone.now().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC),
            control=control,
        )


def _record(letter: Letter, form: str, by: int | None) -> None:
    """Writes the audit entry. Durable: an outer transaction, which could still roll it back, is an error."""
    with transaction.atomic(durable=True):
        audit_log.record(AuditAction.EXPORT, staff_id=by, letter_id=letter.pk, detail={"form": form})


def _deliverable(letter: Letter) -> SignatureQuerySet:
    return Signature.objects.filter(letter=letter).deliverable().in_order(letter.order)
