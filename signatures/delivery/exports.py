"""Actions that hand out the deliverable list as it is now, as a table and as PDF. The audit entry comes first."""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Look:
    """What the PDF of the list as it stands would be like."""

    pages: int
    names: int
    nearly_empty: list[int]  # numbers of pages
    boxed: list[pdf.Boxed]
    in_letter: list[str]  # code points of the letter itself that would be boxed


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
    translation = _text_of(letter)
    draft = out.with_name(f".{out.name}.part")
    try:
        report = _write_pdf(letter, translation, draft, options, control)
        with draft.open("rb") as file:
            _record(letter, "pdf", file, rows=report.names, by=by, reason=reason)
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    return report


def look(letter: Letter, paper: pdf.Paper) -> Look:
    """Typesets the draft, keeps nothing of it, and returns what a delivery officer should know before freezing.

    Raises:
        NothingToExport: no text is published.
        pdf.PdfFailed: Typst does not make it.
    """
    survey, options = pdf.Survey(settings.FONT_DIRS), pdf.Options(paper=paper, draft=True)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "look.pdf"
        report = _write_pdf(letter, _text_of(letter), out, options, pdf.DEFAULT_CONTROL, survey)
        nearly_empty = pdf.nearly_empty_pages(out)
    in_names = {code for boxed in survey.boxed for code in boxed.codes}
    in_letter = [code for code in report.missing if code not in in_names]
    return Look(report.pages, report.names, nearly_empty, survey.boxed, in_letter)


def _text_of(letter: Letter) -> Translation:
    translation = Translation.objects.newest(letter.slug, settings.LANGUAGE_CODE)
    if translation is None:
        raise NothingToExport(f"{letter.slug} has no published text.")
    return translation


def _write_pdf(
    letter: Letter,
    translation: Translation,
    out: Path,
    options: pdf.Options,
    control: pdf.JobControl,
    survey: pdf.Survey | None = None,
) -> pdf.Report:
    signatures = EVERYBODY.of(letter)
    with (
        snapshot.read_transaction(),
        contextlib.closing(document_data.current_entries(signatures, order=letter.order)) as entries,
    ):
        watched: Iterable[pdf.Entry] = survey.watch(entries) if survey else entries
        return pdf.write(
            document_data.letter_data(translation, document_data.frozen_letterhead(letter)),
            watched,
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
