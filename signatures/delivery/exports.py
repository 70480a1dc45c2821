"""The verbs of handing out: the deliverable list as it stands, as CSV and as PDF. The trail is written first."""

from datetime import UTC
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone

from campaign.models import Letter, Translation
from signatures import counts
from signatures.audit import audit_log
from signatures.delivery import csv_export, document_data, pdf
from signatures.models import PaperImport, Signature, SignatureQuerySet
from signatures.registries import AuditAction
from signatures.states import State


class NothingToExport(Exception):
    """The letter has no published text yet."""


def export_csv(letter: Letter, out: IO[bytes], *, by: int | None) -> int:
    """Write the deliverable list; how many rows. The trail entry is committed before the first byte (E4)."""
    _record(letter, "csv", by)
    if PaperImport.objects.filter(letter=letter, undone_at=None).exists():
        return csv_export.write_signatures(_chosen(letter), out, source=True)
    # What is taken in from paper at this very moment is not in a list that could not say so.
    return csv_export.write_signatures(_chosen(letter).filter(paper=False), out)


def export_pdf(
    letter: Letter, out: Path, *, by: int | None, options: pdf.Options | None = None, work: pdf.Work | None = None
) -> pdf.Report:
    """Write the letter with its signatories; the trail entry is committed before the first byte.

    Raises:
        NothingToExport: when no text is published.
        pdf.PdfFailed: when Typst does not make it.
    """
    translation = Translation.objects.newest(letter.slug, settings.LANGUAGE_CODE)
    if translation is None:
        raise NothingToExport(f"{letter.slug} has no published text.")
    options, work = options or pdf.Options(), work or pdf.Work()
    _record(letter, "pdf", by)
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Names and figures of one moment, whatever is signed meanwhile (rule 10).
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return pdf.write(
            document_data.letter_data(translation, letter.letterhead),
            document_data.current_signatures(_chosen(letter), order=letter.order),
            counts=_counts(letter, draft=options.draft),
            record=pdf.Record(texts=_texts(letter)),
            options=options,
            out=out,
            fonts=settings.FONT_DIRS,
            timestamp=timezone.now().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC),
            work=work,
        )


def _record(letter: Letter, form: str, by: int | None) -> None:
    """Durable: an outer transaction, which could still take the entry back, is an error."""
    with transaction.atomic(durable=True):
        audit_log.record(AuditAction.EXPORT, staff_id=by, letter_id=letter.pk, detail={"form": form})


def _chosen(letter: Letter) -> SignatureQuerySet:
    return Signature.objects.filter(letter=letter).deliverable().in_order(letter.order)


def _counts(letter: Letter, *, draft: bool) -> pdf.Counts:
    figures = counts.for_letter(letter.pk)
    approved = Signature.objects.filter(letter=letter, state=State.APPROVED)
    revisions = approved.values_list("translation__revision__number").annotate(Count("pk"))
    return pdf.Counts(
        total=figures.delivered,
        named=figures.named,
        counted_only=figures.counted_only,
        waiting=figures.in_state(State.WAITING) if draft else 0,
        withdrawn=figures.in_state(State.WITHDRAWN),
        rejected=figures.in_state(State.REJECTED),
        paper=approved.filter(paper=True).count(),
        revisions=dict(revisions),
    )


def _texts(letter: Letter) -> tuple[pdf.Text, ...]:
    published = Translation.objects.filter(revision__letter=letter, published_at__isnull=False)
    rows = published.order_by("revision__number", "language").values_list("revision__number", "language", "digest")
    return tuple(pdf.Text(*row) for row in rows)
