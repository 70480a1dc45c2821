"""The verbs of handing out: the deliverable list as it stands, as CSV and as PDF. The trail is written first."""

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django_countries import countries

from campaign import text
from campaign.models import Letter, Translation
from signatures import counts, trail
from signatures.delivery import csv, pdf
from signatures.models import PaperImport, Signature, SignatureQuerySet

ON_PAPER = "on paper"  # in words: a sign beside a name could be taken for a cross


class NothingToExport(Exception):
    """The letter has no published text yet."""


def export_csv(letter: Letter, out: IO[bytes], *, by: int | None) -> int:
    """Write the deliverable list; how many rows. The trail entry is committed before the first byte (E4)."""
    _record(letter, "csv", by)
    if PaperImport.objects.filter(letter=letter, undone_at=None).exists():
        return csv.write(_chosen(letter), out, source=True)
    # What is taken in from paper at this very moment is not in a list that could not say so.
    return csv.write(_chosen(letter).filter(paper=False), out)


def export_pdf(letter: Letter, out: Path, *, by: int | None) -> pdf.Report:
    """Write the letter with its signatories; the trail entry is committed before the first byte.

    Raises:
        NothingToExport: when no text is published.
        pdf.PdfFailed: when Typst does not make it.
    """
    translation = Translation.objects.newest(letter.slug, settings.LANGUAGE_CODE)
    if translation is None:
        raise NothingToExport(f"{letter.slug} has no published text.")
    _record(letter, "pdf", by)
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Names and figures of one moment, whatever is signed meanwhile (rule 10).
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        figures = counts.of(letter.pk)
        entries = list(_entries(_chosen(letter)))
    return pdf.write(
        _words(letter, translation),
        entries,
        counts=pdf.Counts(total=figures.delivered, named=figures.named, counted_only=figures.counted_only),
        out=out,
        fonts=settings.FONT_DIRS,
        timestamp=timezone.now().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC),
    )


def _record(letter: Letter, form: str, by: int | None) -> None:
    """Durable: an outer transaction, which could still take the entry back, is an error."""
    with transaction.atomic(durable=True):
        trail.add("export", staff_id=by, letter_id=letter.pk, detail={"form": form})


def _chosen(letter: Letter) -> SignatureQuerySet:
    return Signature.objects.filter(letter=letter).deliverable().in_order()


def _entries(chosen: SignatureQuerySet) -> Iterator[pdf.Entry]:
    fields = ("name", "role", "organisation", "country", "paper")
    for name, role, organisation, country, is_paper in chosen.values_list(*fields).iterator(chunk_size=5000):
        land = str(countries.name(country)) if country else ""
        yield pdf.Entry(name, role, organisation, land, ON_PAPER if is_paper else "")


def _words(letter: Letter, translation: Translation) -> pdf.LetterData:
    head = letter.letterhead or {}  # an editor may have left it empty
    return pdf.LetterData(
        title=translation.title,
        language=translation.language,
        date=translation.date,
        addressee=translation.addressee.split("\n"),
        salutation=translation.salutation,
        blocks=[_block(block) for block in text.blocks(translation.body)],
        closing=translation.closing,
        signatories=[pdf.Signatory(person["name"], list(person["titles"])) for person in translation.signatories],
        letterhead=pdf.Letterhead(
            name=head.get("name", ""),
            address=" • ".join(head.get("address", [])),
            telephone=head.get("telephone", ""),
            web=head.get("web", ""),
            board=[pdf.BoardMember(member["name"], member.get("office", "")) for member in head.get("board", [])],
        ),
    )


def _block(block: text.Block) -> pdf.Block:
    lines: list[list[pdf.Span]] = [
        [{"text": span.text, "emphasis": span.emphasis, "strong": span.strong} for span in line] for line in block.lines
    ]
    if block.kind == "list":
        return {"kind": "list", "ordered": block.ordered, "items": lines}
    return {"kind": block.kind, "spans": lines[0]}
