"""The logo in the letterhead of a PDF, and in the delivery that was frozen with it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from campaign.models import Letter, Logo, Translation
from signatures.delivery import document_data, pdf
from signatures.models import Signature
from tests.delivery.factories import make_delivery
from tests.factories import make_logo

pytestmark = pytest.mark.django_db


def typeset(letter: Letter, out: Path) -> tuple[pdf.Report, Any]:
    data = document_data.letter_data(Translation.objects.get(), document_data.frozen_letterhead(letter))
    options = pdf.Options(parts="letter")
    report = pdf.write(data, (), counts=None, out=out, timestamp=datetime(2026, 11, 29, tzinfo=UTC), options=options)
    return report, PdfReader(out)


def test_the_pdf_has_the_logo_with_the_name_as_its_alternative(letter: Letter, tmp_path: Path) -> None:
    make_logo(letter)
    report, document = typeset(letter, tmp_path / "letter.pdf")
    assert len(document.pages[0].images) == 1 and not any(page.images for page in list(document.pages)[1:])
    assert report.standards == ["ua-1", "a-2a"], "it stays accessible, and can be archived"
    figures = [item for item in objects_of(document) if item.get("/S") == "/Figure"]
    assert [figure["/Alt"] for figure in figures] == ["Committee for Bridges"]


def objects_of(document: PdfReader) -> list[Any]:
    numbers = [number for generation in document.xref.values() for number in generation]
    objects = [document.get_object(number) for number in {*numbers, *document.xref_objStm}]
    return [item for item in objects if hasattr(item, "get")]


def test_without_a_logo_or_without_a_name_there_is_none(letter: Letter, tmp_path: Path) -> None:
    _report, document = typeset(letter, tmp_path / "letter.pdf")
    assert not document.pages[0].images
    make_logo(letter)
    letter.letterhead = {}
    letter.save()
    _report, document = typeset(letter, tmp_path / "letter.pdf")
    assert not document.pages[0].images, "nor has the page"


def test_a_delivery_keeps_the_logo_it_was_frozen_with_and_never_takes_another(letter: Letter, ada: Signature) -> None:
    first = make_logo(letter)
    delivery = make_delivery(letter)
    text = Translation.objects.get()
    assert document_data.letter_data(text, delivery.letterhead).letterhead.logo == bytes(first.png)
    Logo.objects.all().delete()
    make_logo(letter, "#7a1f1f")
    assert document_data.letter_data(text, delivery.letterhead).letterhead.logo == b""
