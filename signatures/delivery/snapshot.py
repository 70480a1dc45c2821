"""The verbs of handing out: the deliverable list as it stands, as CSV and as PDF. The trail is written first."""

from collections.abc import Iterator
from datetime import UTC
from functools import cache
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone

from campaign import text
from campaign.models import Letter, Translation
from signatures import counts, names, trail
from signatures.delivery import csv, pdf
from signatures.models import Kind, Signature, SignatureQuerySet, State


class NothingToExport(Exception):
    """The letter has no published text yet."""


def export_csv(letter: Letter, out: IO[bytes], *, by: int | None) -> int:
    """Write the deliverable list; how many rows. The trail entry is committed before the first byte (E4)."""
    _record(letter, "csv", by)
    return csv.write(_chosen(letter), out)


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
            _words(letter, translation),
            _entries(letter),
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
        trail.add("export", staff_id=by, letter_id=letter.pk, detail={"form": form})


def _chosen(letter: Letter) -> SignatureQuerySet:
    return Signature.objects.filter(letter=letter).deliverable().newest_first()


def _counts(letter: Letter, *, draft: bool) -> pdf.Counts:
    figures = counts.of(letter.pk)
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


def _entries(letter: Letter) -> Iterator[pdf.Entry]:
    script_of = cache(names.script_of)
    fields = ("name", "role", "organisation", "country", "language", "paper", "kind", "notable")
    chosen = Signature.objects.filter(letter=letter).deliverable().in_order(letter.order)
    for name, role, organisation, country, language, paper, kind, notable in chosen.values_list(*fields).iterator(
        chunk_size=5000
    ):
        section = pdf.section_of(
            name,
            order=letter.order,
            organisation=kind == Kind.ORGANISATION,
            notable=notable is not None,
            country=country,
            script_of=script_of,
        )
        yield pdf.Entry(name, role, organisation, country, language, section, paper)


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
            board_title=head.get("board_title", ""),
        ),
    )


def _block(block: text.Block) -> pdf.Block:
    lines: list[list[pdf.Span]] = [
        [{"text": span.text, "emphasis": span.emphasis, "strong": span.strong} for span in line] for line in block.lines
    ]
    if block.kind == "list":
        return {"kind": "list", "ordered": block.ordered, "items": lines}
    return {"kind": block.kind, "spans": lines[0]}
