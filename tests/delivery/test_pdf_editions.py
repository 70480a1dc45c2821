"""The letter in other languages, the edition for the press, and the printed copy without its annex."""

import io
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from pypdf import PdfReader

from campaign.letters.publishing import publish, revise
from campaign.letters.text import Block, Span
from campaign.models import Letter
from signatures.delivery import pdf
from signatures.delivery.pdf import Counts, Entry, LetterData, Letterhead, Options, Record, Signatory
from signatures.models import AuditEntry
from signatures.states import State, Visibility
from tests.factories import WORDS, make_signature, png_of

pytestmark = pytest.mark.slow

WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
RECORD = Record(
    number=1, frozen_on=date(2026, 3, 1), digest="ab" * 32, address="https://letters.example/deliveries/river/1/",
    public_key="RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3",
)  # fmt: skip


def letter_in(language: str, **changes: Any) -> LetterData:
    words: dict[str, Any] = {"title": "A letter", "addressee": ["The Mayor"], "blocks": [], "closing": "Yours,"}
    return LetterData(language=language, letterhead=Letterhead("Friends", "", "", "", []), **words | changes)


def make(out: Path, names: list[str], counts: Counts | None = None, **more: Any) -> list[str]:
    """Writes a PDF and returns the text of its pages."""
    counts = counts or Counts(len(names), len(names), 0)
    letter = more.pop("letter", letter_in("en"))
    pdf.write(letter, map(Entry, names), counts=counts, out=out, timestamp=WHEN, **more)
    return [" ".join(page.extract_text().split()) for page in PdfReader(out).pages]


@pytest.fixture
def bilingual(letter: Letter) -> Letter:
    publish(revise(letter, "ko", WORDS | {"title": "다리", "closing": "드림"}))
    make_signature(letter, "Ada Lovelace")
    return letter


def export(out: Path, **options: Any) -> tuple[str, list[str]]:
    """Returns what the command says, and the text of each page."""
    said = io.StringIO()
    call_command("export_pdf", "bridge", reason="a test", out=out, stderr=said, **options)
    return said.getvalue(), [" ".join(page.extract_text().split()) for page in PdfReader(out).pages]


@pytest.mark.django_db(transaction=True)
def test_the_language_of_an_export_is_that_of_letter_headings_and_counts(bilingual: Letter, tmp_path: Path) -> None:
    _said, pages = export(tmp_path / "x.pdf", languages=("ko",))
    assert "다리" in pages[0] and "드림" in pages[0] and "서명 1건" in pages[1]


@pytest.mark.django_db(transaction=True)
def test_an_edition_in_two_languages_has_the_letter_in_both_and_the_list_once(
    bilingual: Letter, tmp_path: Path
) -> None:
    _said, pages = export(tmp_path / "x.pdf", languages=("en", "ko"))
    assert "Yours sincerely," in pages[0] and "드림" in pages[1]
    assert " ".join(pages).count("Ada Lovelace") == 1 and "1 signature, named here" in pages[2]
    marks = [mark.title for mark in PdfReader(tmp_path / "x.pdf").outline if not isinstance(mark, list)]
    assert marks[:3] == ["Letter (English)", "Letter (한국어)", "Co-signed by"]


@pytest.mark.django_db(transaction=True)
def test_a_language_without_a_published_text_is_one_sentence_with_those_that_there_are(
    bilingual: Letter, tmp_path: Path
) -> None:
    with pytest.raises(CommandError, match="no published text in 'fr'; there are: en, ko"):
        export(tmp_path / "x.pdf", languages=("en", "fr"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db(transaction=True)
def test_the_edition_for_the_press_has_public_names_alone_and_counts_the_others(
    bilingual: Letter, tmp_path: Path
) -> None:
    make_signature(bilingual, "Only Delivered", visibility=Visibility.DELIVERY)
    make_signature(bilingual, "", visibility=Visibility.COUNTED)
    make_signature(bilingual, "Refused", State.REJECTED)
    said, pages = export(tmp_path / "x.pdf", public=True)
    text = " ".join(pages)
    assert said.startswith("1 name on ") and "Ada Lovelace" in text and "Only Delivered" not in text
    assert "3 signatures: 1 named here and 2 not named in public" in text
    assert pages[0].startswith("Public edition. It names only those who chose to be named in public. ")
    assert AuditEntry.objects.latest("pk").detail["form"] == "public-pdf"


@pytest.mark.django_db(transaction=True)
def test_the_officer_chooses_language_paper_and_edition_in_admin(bilingual: Letter, officer: User) -> None:
    make_signature(bilingual, "Only Delivered", visibility=Visibility.DELIVERY)
    client = Client()
    client.force_login(officer)
    choices = {
        "reason": "the press", "pdf_language": "ko", "pdf_beside": "en", "pdf_paper": "us-letter", "pdf_public": "on",
        "pdf_without_annex": "on",
    }  # fmt: skip
    answer = client.post(f"/admin/signatures/signedletter/{bilingual.pk}/export/pdf/", choices)
    assert answer["Content-Disposition"] == 'attachment; filename="bridge-public.pdf"'
    reader = PdfReader(io.BytesIO(b"".join(answer)))
    text = [" ".join(page.extract_text().split()) for page in reader.pages]
    assert len(text) == 3 and "드림" in text[0] and "Yours sincerely," in text[1] and "Only Delivered" not in text[2]
    assert reader.pages[0].mediabox.width == 612


def test_how_many_stands_in_front_and_what_was_not_accepted_in_the_annex(tmp_path: Path) -> None:
    counts = Counts(3, 1, 2, withdrawn=31, rejected=7)
    _letter, names, annex = make(tmp_path / "x.pdf", ["Ada"], counts, record=RECORD)
    assert "3 signatures: 1 named here and 2 who asked to be counted without their name." in names
    assert "not accepted" not in names and "withdrew" not in names
    assert "Annex" in annex.title() and "31 withdrew; 7 were not accepted." in annex


def test_the_printed_copy_may_leave_the_annex_out(tmp_path: Path) -> None:
    pages = make(tmp_path / "x.pdf", ["Ada"], record=RECORD, options=Options(annex=False))
    assert len(pages) == 2 and RECORD.digest not in " ".join(pages)


def test_the_annex_has_digest_key_and_a_code_that_leads_to_the_page_of_the_delivery(tmp_path: Path) -> None:
    annex = make(tmp_path / "x.pdf", ["Ada"], record=RECORD)[-1].replace(" ", "")
    assert RECORD.digest in annex and RECORD.public_key in annex and RECORD.address in annex
    content = (tmp_path / "x.pdf").read_bytes()
    report = pdf.write(
        letter_in("en"), [Entry("Ada")], counts=Counts(1, 1, 0), out=tmp_path / "y.pdf", timestamp=WHEN, record=RECORD
    )
    assert report.standards == ["ua-1", "a-2a"], "the code has words for who cannot see it"
    assert (tmp_path / "y.pdf").read_bytes() == content


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (Counts(0, 0, 0), "There are no signatures yet."),
        (Counts(4, 0, 4), "4 signatures, all of people who asked to be counted without their name."),
    ],
)
def test_where_nobody_is_named_the_count_stands_below_the_letter_and_no_page_is_empty(
    tmp_path: Path, counts: Counts, sentence: str
) -> None:
    pages = make(tmp_path / "x.pdf", [], counts)
    assert len(pages) == 1 and sentence in pages[0] and "Yours," in pages[0]


def test_page_numbers_are_in_the_face_of_the_letter(tmp_path: Path) -> None:
    letter = letter_in("en", blocks=[Block("paragraph", ((Span("The river is not well."),),))])
    make(tmp_path / "x.pdf", [], letter=letter)
    faces: list[str] = []

    def visit(text: str, _page: Any, _line: Any, font: Any, _size: Any) -> None:
        if "Page 1 of 1" in text:
            faces.append(str(font["/BaseFont"]))

    PdfReader(tmp_path / "x.pdf").pages[0].extract_text(visitor_text=visit)
    assert faces and all("Libertinus" in face for face in faces)


def test_signatures_by_hand_stand_above_the_names_with_words_for_who_cannot_see_them(tmp_path: Path) -> None:
    people = [Signatory("Ada Rivers", ["Chair"], png_of((300, 100))), Signatory("Ben Brook", [])]
    letter = letter_in("en", signatories=people)
    report = pdf.write(letter, [], counts=Counts(0, 0, 0), out=tmp_path / "x.pdf", timestamp=WHEN)
    page = PdfReader(tmp_path / "x.pdf").pages[0]
    assert len(page.images) == 1 and "Ben Brook" in page.extract_text() and report.standards == ["ua-1", "a-2a"]


def test_names_are_in_the_face_of_the_letter_and_the_head_of_their_pages_has_their_numbers(tmp_path: Path) -> None:
    letter = letter_in("en", blocks=[Block("paragraph", ((Span("The river is not well."),),))])
    pages = make(tmp_path / "x.pdf", ["Ada Lovelace", "Ben Brook", "김철수"], letter=letter)
    assert pages[1].startswith("A letter ") and pages[1].endswith("1–3 Page 2 of 2")
    faces: dict[str, str] = {}

    def visit(text: str, _page: Any, _line: Any, font: Any, _size: Any) -> None:
        if text.strip():
            faces[text.strip()] = str(font["/BaseFont"])

    PdfReader(tmp_path / "x.pdf").pages[1].extract_text(visitor_text=visit)
    assert any("Libertinus" in face for words, face in faces.items() if "Ada Lovelace" in words)
    assert any("CJK" in face for words, face in faces.items() if "김철수" in words)


def test_running_names_are_not_stretched(tmp_path: Path) -> None:
    """Justified in a narrow column, they would have rivers of white between them."""
    names = [f"Maximiliane Featherstonehaugh {number}" for number in range(30)]
    make(tmp_path / "x.pdf", names, options=Options(names="running"))
    with pikepdf.open(tmp_path / "x.pdf") as document:
        moved = [
            float(gap)
            for step in pikepdf.parse_content_stream(document.pages[1])
            if str(step.operator) == "TJ"
            for gap in step.operands[0]
            if not isinstance(gap, pikepdf.String)
        ]
    assert moved and min(moved) > -500, "in thousandths of an em"


def test_a_long_list_has_a_heading_and_a_bookmark_for_each_letter(tmp_path: Path) -> None:
    names = [f"{initial}da Number {number:03d}" for initial in "ABÉZ" for number in range(60)]
    entries = [Entry(name, section="script:Latn") for name in names]
    pdf.write(letter_in("en"), entries, counts=Counts(240, 240, 0), out=tmp_path / "x.pdf", timestamp=WHEN)
    reader = PdfReader(tmp_path / "x.pdf")

    def titles(marks: Any) -> list[Any]:
        return [titles(mark) if isinstance(mark, list) else mark.title for mark in marks]

    assert titles(reader.outline) == ["Letter", "Co-signed by", ["Latin, 1–240", ["A", "B", "E", "Z"]]]
    lines = "\n".join(page.extract_text() for page in reader.pages).splitlines()
    assert [line.strip() for line in lines if len(line.strip()) == 1] == ["A", "B", "E", "Z"]
    assert sum("Number" in line for line in lines) == 240


def test_a_short_list_has_no_letters_over_it(tmp_path: Path) -> None:
    entries = [Entry(name, section="script:Latn") for name in ("Ada", "Ben", "Cleo")]
    pdf.write(letter_in("en"), entries, counts=Counts(3, 3, 0), out=tmp_path / "x.pdf", timestamp=WHEN)
    assert "A" not in PdfReader(tmp_path / "x.pdf").pages[1].extract_text().splitlines()
