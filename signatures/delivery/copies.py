"""Copies of a frozen delivery as PDF: the printed one without its annex, and the public edition for the press.

They are made of the frozen rows when they are asked for, and kept nowhere. Whoever withdrew, was erased or rejected, or
asked for less to be shown since the freezing is named in none of them, whatever the package still holds.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from django.db.models import Exists, OuterRef, QuerySet

from campaign.models import Translation
from signatures.delivery import delivered_pdf, document_data, exports, frozen_texts, pdf, snapshot
from signatures.models import Delivery, DeliveryEntry, Signature, SignatureQuerySet
from signatures.states import Source, Visibility


class CannotCopy(Exception):
    """There is no such copy of this delivery. The message is for staff."""


def export_copy(  # all but two by keyword
    delivery: Delivery,
    out: Path,
    *,
    by: int | None,
    reason: str,
    edition: exports.Edition = exports.EVERY_NAME,
    options: pdf.Options = pdf.DEFAULT_OPTIONS,
    control: pdf.JobControl = pdf.DEFAULT_CONTROL,
) -> pdf.Report:
    """Writes a copy of the delivered letter. The audit entry is committed before the file appears (threat model E4).

    In an edition that is not public, a name that may not be shown any more is a line that says so: the numbers stay.

    Raises:
        CannotCopy: of this delivery there is none, not in this language, or somebody left while it was made.
        pdf.PdfFailed: Typst does not make it.
    """
    _require_possible(delivery, edition)
    write = partial(_write, delivery, edition, _texts(delivery, edition), options, control)
    about = {"delivery": delivery.pk, "number": delivery.number}
    return exports.hand_out_pdf(delivery.letter, out, write, form=edition.form, by=by, reason=reason, about=about)


def _require_possible(delivery: Delivery, edition: exports.Edition) -> None:
    if delivery.state == Delivery.State.VOID:
        raise CannotCopy("The delivery is void.")
    if delivery.is_former:
        raise CannotCopy("Version 0.9 of this program made this delivery. This version makes no copies of it.")
    if not delivery.has_statement:
        raise CannotCopy("The files of this delivery are not made yet.")
    if edition.public and _named(delivery).filter(visibility="").exists():
        raise CannotCopy(
            "When this delivery was frozen, it was not kept yet whose names are public. Freeze another one for a "
            "public edition."
        )


def _texts(delivery: Delivery, edition: exports.Edition) -> list[Translation]:
    """Returns the newest text that was frozen in each language of the edition; none: the main text."""
    newest = frozen_texts.newest(delivery.texts)
    if missing := next((language for language in edition.languages if language not in newest), ""):
        there_are = ", ".join(sorted(newest))
        raise CannotCopy(f"Delivery {delivery.number} has no text in {missing!r}; there are: {there_are}.")
    return [
        Translation.objects.get(pk=newest[language]["translation"]) for language in dict.fromkeys(edition.languages)
    ]


def _write(
    delivery: Delivery,
    edition: exports.Edition,
    texts: list[Translation],
    options: pdf.Options,
    control: pdf.JobControl,
    out: Path,
) -> pdf.Report:
    with snapshot.read_transaction():
        entries, counts = _entries(delivery, edition)
        before = _may_be_shown(delivery, edition).count()
        report = delivered_pdf.write(
            delivery,
            out,
            entries=entries,
            counts=counts,
            texts=texts,
            options=edition.options(options),
            control=control,
        )
    if _may_be_shown(delivery, edition).count() != before:
        raise CannotCopy("Somebody withdrew or was erased while the copy was made. Please make it again.")
    return report


def _entries(delivery: Delivery, edition: exports.Edition) -> tuple[Iterator[pdf.Entry], pdf.Counts]:
    shown, counts = _may_be_shown(delivery, edition), document_data.pdf_counts(delivery.counts)
    if edition.public:
        public = document_data.of_public_edition(
            counts,
            named=shown.count(),
            paper=shown.filter(source=Source.PAPER).count(),
            evidence=shown.filter(source=Source.EVIDENCE).count(),
        )
        return document_data.delivered_entries(shown, order=delivery.order), public
    named = _named(delivery)
    taken_out = named.filter(~_still_agreed(edition), salt__isnull=False).values_list("place", flat=True)
    return document_data.delivered_entries(named, order=delivery.order, taken_out=set(taken_out)), counts


def _may_be_shown(delivery: Delivery, edition: exports.Edition) -> QuerySet[DeliveryEntry]:
    """Returns the entries whose signer agreed to be named in such an edition: then, and still."""
    shown = _named(delivery).filter(_still_agreed(edition))
    return shown.filter(visibility=Visibility.PUBLIC) if edition.public else shown


def _still_agreed(edition: exports.Edition) -> Exists:
    still: SignatureQuerySet = Signature.objects.filter(pk=OuterRef("signature_id"))
    return Exists(still.public() if edition.public else still.deliverable())


def _named(delivery: Delivery) -> QuerySet[DeliveryEntry]:
    return delivery.rows.filter(number__isnull=False)
