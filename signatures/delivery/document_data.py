"""What the document is made of: rows of the database as the plain data that the PDF craft takes."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from django.db.models import QuerySet

from campaign.letters import text
from campaign.models import Translation
from signatures.delivery import pdf
from signatures.models import DeliveryEntry, SignatureQuerySet
from signatures.states import Kind
from signatures.values import names

CHUNK = 5_000  # rows in memory at a time


def current_signatures(chosen: SignatureQuerySet, *, order: str) -> Iterator[pdf.Entry]:
    """The signatures as they stand, in the order in which they come."""
    fields = ("name", "role", "organization", "country", "language", "paper", "kind", "featured_position")
    for *words, paper, kind, featured_position in chosen.values_list(*fields).iterator(chunk_size=CHUNK):
        yield _entry(words, paper, order=order, kind=kind, is_featured=featured_position is not None)


def delivered_rows(rows: QuerySet[DeliveryEntry], *, order: str) -> Iterator[pdf.Entry]:
    """The named rows of a delivery. Who was erased since has no words; the place among the others stays."""
    section = ""
    fields = ("name", "role", "organization", "country", "language", "on_paper", "kind", "is_featured")
    named = rows.filter(number__isnull=False).values_list(*fields)
    for *words, paper, kind, is_featured in named.iterator(chunk_size=CHUNK):
        entry = _entry(words, paper, order=order, kind=kind, is_featured=is_featured)
        entry = replace(entry, section=section) if not entry.name else entry
        section = entry.section
        yield entry


_script_of = cache(names.script_of)


def _entry(words: list[Any], paper: bool, *, order: str, kind: str, is_featured: bool) -> pdf.Entry:
    name, role, organization, country, language = words
    section = pdf.section_of(
        name,
        order=order,
        organization=kind == Kind.ORGANIZATION,
        featured_position=is_featured,
        country=country,
        script_of=_script_of,
    )
    return pdf.Entry(name, role, organization, country, language, section, paper)


def counts_of(figures: Mapping[str, Any]) -> pdf.Counts:
    """The frozen figures of a delivery."""
    fields = ("named", "counted_only", "waiting", "withdrawn", "rejected", "paper")
    revisions = {int(number): many for number, many in figures["revisions"].items()}
    return pdf.Counts(total=figures["delivered"], **{field: figures[field] for field in fields}, revisions=revisions)


def letter_data(translation: Translation, head: Mapping[str, Any]) -> pdf.LetterData:
    """The words of the letter on this letterhead, which an editor may have left empty."""
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
