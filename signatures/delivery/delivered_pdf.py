"""The PDF of a frozen delivery: the one in its package, and copies of it."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from django.conf import settings

from campaign.models import Translation
from signatures.delivery import document_data, frozen_texts, pdf, statement
from signatures.models import Delivery


def write(  # all but two by keyword
    delivery: Delivery,
    out: Path,
    *,
    entries: Iterable[pdf.Entry],
    counts: pdf.Counts,
    texts: Sequence[Translation] = (),
    options: pdf.Options = pdf.DEFAULT_OPTIONS,
    control: pdf.JobControl = pdf.DEFAULT_CONTROL,
) -> pdf.Report:
    """Writes the letter with these names. The same rows, fonts, address and options give the same bytes.

    Args:
        delivery: with its statement, whose digest is printed.
        out: the file, which appears when it is complete.
        entries: as `document_data.delivered_entries` yields them.
        counts: as many as the entries.
        texts: the letter in each language that is wanted; empty: its main text.
        options: paper and parts.
        control: of the job.
    """
    first, *further = texts or [Translation.objects.get(pk=frozen_texts.main_text(delivery.texts)["translation"])]
    return pdf.write(
        document_data.letter_data(first, delivery.letterhead),
        entries,
        counts=counts,
        record=_record(delivery),
        further=[document_data.letter_data(text, delivery.letterhead) for text in further],
        options=options,
        out=out,
        timestamp=delivery.frozen_at,
        fonts=settings.FONT_DIRS,
        control=control,
    )


def _record(delivery: Delivery) -> pdf.Record:
    counts, claims = delivery.counts, delivery.claims
    return pdf.Record(
        number=delivery.number,
        organization=claims["organization"]["name"],
        recipient=claims["letter"]["recipient"],
        frozen_on=delivery.frozen_at.date(),
        texts=frozen_texts.in_package(delivery),
        digest=delivery.digest,
        errata=claims["errata"],
        since=counts["since"],
        added=counts["added"],
        gone=counts["gone"],
        address=statement.page_of(delivery),
        public_key=claims["key"] or "",
    )
