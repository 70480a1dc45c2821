"""Actions that hand out the deliverable list as it is now, as a table and as PDF. The audit entry comes first."""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from campaign.letters.operators import operator_of
from campaign.models import Letter, Translation, in_language
from signatures.audit import audit_log
from signatures.delivery import csv_export, document_data, frozen_texts, pdf, snapshot, xlsx_export
from signatures.delivery.selection import EVERYBODY, Selection
from signatures.registries import AuditAction

NOTHING_MORE: Mapping[str, str | int] = {}


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
        _record(letter, form, file, rows=rows, by=by, reason=reason, about=selection.described())
        shutil.copyfileobj(file, out)
    return rows


@dataclass(frozen=True)
class Edition:
    """Which letter and which names a PDF holds.

    Args:
        languages: published texts, the one after the other; empty: the letter in the language of the site.
        public: only the names that are on the public page, for the press.
    """

    languages: tuple[str, ...] = ()
    public: bool = False

    @property
    def form(self) -> str:
        """What the audit log calls such a PDF."""
        return "public-pdf" if self.public else "pdf"

    def options(self, options: pdf.Options) -> pdf.Options:
        """Returns these options, with what follows from the edition."""
        language = options.language or (self.languages or ("",))[0]
        return replace(options, language=language, public=self.public)

    def texts_of(self, letter: Letter) -> list[Translation]:
        """Returns the newest published text of each language.

        Raises:
            NothingToExport: no text is published, or none in one of the languages.
        """
        shown = Translation.objects.shown(letter.slug)
        if not shown:
            raise NothingToExport(f"{letter.slug} has no published text.")
        if not self.languages:
            return [in_language(shown, settings.LANGUAGE_CODE)]  # type: ignore[list-item]  # there is one
        texts = {text.language: text for text in shown}
        if missing := next((language for language in self.languages if language not in texts), ""):
            published = ", ".join(sorted(texts))
            raise NothingToExport(f"{letter.slug} has no published text in {missing!r}; there are: {published}.")
        return [texts[language] for language in dict.fromkeys(self.languages)]


EVERY_NAME = Edition()


def edition_of_delivery(letter: Letter) -> Edition:
    """Returns the edition that a delivery would hold that is frozen now: every name, under the main text."""
    shown = Translation.objects.shown(letter.slug)
    texts = [
        {name: getattr(text, name) for name in ("language", "digest", "authoritative")}
        | {"revision": text.revision.number}
        for text in shown
    ]
    return Edition((frozen_texts.main_text(texts)["language"],)) if texts else EVERY_NAME


def export_pdf(  # all but two by keyword
    letter: Letter,
    out: Path,
    *,
    by: int | None,
    reason: str,
    edition: Edition = EVERY_NAME,
    options: pdf.Options = pdf.DEFAULT_OPTIONS,
    control: pdf.JobControl = pdf.DEFAULT_CONTROL,
) -> pdf.Report:
    """Writes the letter with its signatories. The audit entry is committed before the file appears (threat model E4).

    Volumes (`options.volume_pages`) have an entry each, and appear when all of them are made.

    Raises:
        NothingToExport: no text is published, or none in a language that is asked for.
        pdf.PdfFailed: Typst does not make it.
    """
    write = partial(_write_pdf, letter, edition, options, control)
    return hand_out_pdf(letter, out, write, form=edition.form, by=by, reason=reason)


def hand_out_pdf(  # all but three by keyword
    letter: Letter,
    out: Path,
    write: Callable[[Path], pdf.Report],
    *,
    form: str,
    by: int | None,
    reason: str,
    about: Mapping[str, str | int] = NOTHING_MORE,
) -> pdf.Report:
    """Has a PDF written, or its volumes, and hands it out: at its place after the audit entry, which has `about`."""
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as folder:
        draft = Path(folder, out.name)
        report = write(draft)
        rows = [volume.names for volume in report.volumes] or [report.names]
        numbers = range(1, len(report.volumes) + 1)
        made = [pdf.volume_path(draft, number) for number in numbers] or [draft]
        for path, names in zip(made, rows, strict=True):
            with path.open("rb") as file:
                _record(letter, form, file, rows=names, by=by, reason=reason, about=about)
        for path in made:
            path.chmod(0o600)
            path.replace(out.with_name(path.name))
    return report


def write_draft(letter: Letter, out: Path, options: pdf.Options, survey: pdf.Survey) -> pdf.Report:
    """Writes the PDF that a delivery would hold, for nobody to read: `survey` looks at each name.

    Raises:
        NothingToExport: no text is published.
        pdf.PdfFailed: Typst does not make it.
    """
    return _write_pdf(letter, edition_of_delivery(letter), options, pdf.DEFAULT_CONTROL, out, survey)


def _write_pdf(
    letter: Letter,
    edition: Edition,
    options: pdf.Options,
    control: pdf.JobControl,
    out: Path,
    survey: pdf.Survey | None = None,
) -> pdf.Report:
    first, *further = edition.texts_of(letter)
    head = document_data.frozen_letterhead(letter)
    signatures = EVERYBODY.of(letter)
    if edition.public:
        signatures = signatures.public()
    with (
        snapshot.read_transaction(),
        contextlib.closing(document_data.current_entries(signatures, order=letter.order)) as entries,
    ):
        counts = document_data.pdf_counts(snapshot.list_counts(letter), with_waiting=options.draft)
        if edition.public:
            counts = document_data.of_public_edition(
                counts,
                named=signatures.count(),
                paper=signatures.filter(paper=True).count(),
                evidence=signatures.filter(on_evidence=True).count(),
            )
        watched: Iterable[pdf.Entry] = survey.watch(entries) if survey else entries
        return pdf.write(
            document_data.letter_data(first, head),
            watched,
            counts=counts,
            record=pdf.Record(
                organization=operator_of(letter).name,
                recipient=letter.recipient,
                texts=frozen_texts.of_package(snapshot.published_texts(letter)),
            ),
            further=[document_data.letter_data(text, head) for text in further],
            options=edition.options(options),
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
    about: Mapping[str, str | int],
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
            detail={"form": form, "rows": rows, "sha256": digest, **about},
        )
