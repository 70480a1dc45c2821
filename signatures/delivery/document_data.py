"""Turns rows of the database into the plain data that the PDF is made of."""

from collections.abc import Collection, Generator, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from django.db.models import QuerySet

from campaign.letters import text
from campaign.models import HandSignature, Letter, Logo, Translation
from signatures.delivery import pdf
from signatures.delivery.selection import source_of
from signatures.models import DeliveryEntry, SignatureQuerySet
from signatures.states import Kind
from signatures.values import names

CHUNK = 5_000  # rows in memory at a time
WORDS = ("name", "role", "organization", "country", "language")


def current_entries(signatures: SignatureQuerySet, *, order: str) -> Generator[pdf.Entry]:
    """Yields the signatures as they are now, in the order of the query. Close it after use: it holds a cursor."""
    fields = (*WORDS, source_of(), "kind", "featured_position")
    for *words, source, kind, featured_position in signatures.values_list(*fields).iterator(chunk_size=CHUNK):
        yield _entry(words, source=source, order=order, kind=kind, is_featured=featured_position is not None)


def delivered_entries(
    entries: QuerySet[DeliveryEntry], *, order: str, taken_out: Collection[int] = ()
) -> Iterator[pdf.Entry]:
    """Yields the named entries of one delivery by number, which is the order of their places.

    An erased one stays in the section before it. One whose place is in `taken_out` keeps its section alone. No cursor
    holds them: a build takes minutes, and what it says of its progress must be committed meanwhile.
    """
    section, last = "", -1
    named = entries.filter(number__isnull=False).order_by("place")
    columns = named.values_list("place", *WORDS, "source", "kind", "is_featured")
    while chunk := columns.filter(place__gt=last)[:CHUNK]:
        for last, *words, source, kind, is_featured in chunk:
            entry = _entry(words, source=source, order=order, kind=kind, is_featured=is_featured)
            entry = entry if entry.name else replace(entry, section=section)
            section = entry.section
            if last in taken_out:
                entry = pdf.Entry("", section=section, is_taken_out=True)
            yield entry


_script_of = cache(names.script_of)


def _entry(words: list[Any], *, source: str, order: str, kind: str, is_featured: bool) -> pdf.Entry:
    name, role, organization, country, language = words
    section = pdf.section_of(
        name,
        order=order,
        is_organization=kind == Kind.ORGANIZATION,
        is_featured=is_featured,
        country=country,
        script_of=_script_of,
    )
    return pdf.Entry(name, role, organization, country, language, section, source)


def pdf_counts(counts: Mapping[str, Any], *, with_waiting: bool = True) -> pdf.Counts:
    """Returns the counts that the PDF prints, from those of the statement."""
    names = ("named", "counted_only", "waiting", "withdrawn", "rejected", "paper", "evidence", "organizations")
    # A delivery that was frozen before there were signatures on evidence does not count them.
    numbers = {name: counts.get(name, 0) for name in names if with_waiting or name != "waiting"}
    revisions = {int(number): count for number, count in counts["revisions"].items()}
    return pdf.Counts(total=counts["delivered"], revisions=revisions, **numbers)


def of_public_edition(counts: pdf.Counts, *, named: int, paper: int, evidence: int) -> pdf.Counts:
    """Returns the counts of an edition that names the public names alone, which are these. The total stays."""
    return replace(counts, named=named, elsewhere=counts.named - named, paper=paper, evidence=evidence)


def frozen_letterhead(letter: Letter) -> dict[str, Any]:
    """Returns the letterhead as a delivery stores it: with the digests of the logo and of the signatures by hand."""
    logo = Logo.objects.filter(letter=letter).values("digest").first()
    by_hand = dict(HandSignature.objects.filter(letter=letter).values_list("place", "digest"))
    return {
        **(letter.letterhead or {}),
        **({"logo": logo["digest"]} if logo else {}),
        **({"by_hand": {str(place): digest for place, digest in by_hand.items()}} if by_hand else {}),
    }


def images_at_hand(letter: Letter, head: Mapping[str, Any]) -> dict[str, str]:
    """Returns the digests of logo and signatures by hand (by place) that were frozen and not replaced since."""
    logo = Logo.objects.filter(letter=letter).values_list("digest", flat=True).first()
    by_hand = HandSignature.objects.filter(letter=letter).values_list("place", "digest")
    now = {"logo": logo, **{str(place): digest for place, digest in by_hand}}
    frozen = {"logo": head.get("logo"), **head.get("by_hand", {})}
    return {where: digest for where, digest in now.items() if digest and digest == frozen.get(where)}


def letter_data(translation: Translation, head: Mapping[str, Any]) -> pdf.LetterData:
    """Returns the words of the letter on this letterhead, any field of which an editor may have left empty.

    An image that was replaced since is left out: another one would not be what was frozen.
    """
    by_hand = {
        row.place: bytes(row.png)
        for row in HandSignature.objects.filter(letter=translation.revision.letter_id)
        if head.get("by_hand", {}).get(str(row.place)) == row.digest
    }
    logo = Logo.objects.filter(letter=translation.revision.letter_id, digest=head.get("logo", "")).first()
    return pdf.LetterData(
        title=translation.title,
        language=translation.language,
        revision=translation.revision.number,
        date=translation.date,
        addressee=translation.addressee.split("\n"),
        salutation=translation.salutation,
        blocks=list(text.blocks(translation.body)),
        closing=translation.closing,
        signatories=[
            pdf.Signatory(person["name"], list(person["titles"]), by_hand.get(place, b""))
            for place, person in enumerate(translation.signatories, start=1)
        ],
        letterhead=pdf.Letterhead(
            name=head.get("name", ""),
            address=" • ".join(head.get("address", [])),
            telephone=head.get("telephone", ""),
            web=head.get("web", ""),
            board=[pdf.BoardMember(member["name"], member.get("office", "")) for member in head.get("board", [])],
            board_title=head.get("board_title", ""),
            logo=bytes(logo.png) if logo else b"",
        ),
    )
