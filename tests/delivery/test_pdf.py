"""The delivered PDF: the letter, every signatory in every script, and the counts."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pypdf import PageObject, PdfReader
from pypdf.generic import DictionaryObject

from campaign.letters.text import Block, Span
from signatures.delivery import pdf
from signatures.delivery.pdf import (
    BoardMember,
    Counts,
    Entry,
    JobControl,
    LetterData,
    Letterhead,
    Options,
    PdfFailed,
    Record,
    Signatory,
    typesetting,
)
from tests.delivery.scripts import BOXED, LEFT_TO_RIGHT, OTHERWISE_ORDERED, WRAPPED

WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def letter(**changes: Any) -> LetterData:
    words: dict[str, Any] = {
        "title": "A letter about the river",
        "language": "en",
        "date": "7 May 2013",
        "addressee": ["Her Excellency the Mayor", "City Hall"],
        "salutation": "Dear Madam,",
        "blocks": [
            Block("paragraph", ((Span("The river is "), Span("not", emphasis=True), Span(" well.")),)),
            Block("list", ((Span("Measure it."),), (Span("Mend it.", strong=True),))),
            Block("quote", ((Span("Water remembers."),),)),
        ],
        "closing": "Yours sincerely,",
        "signatories": [Signatory("Ada Rivers", ["Chair of the Board", "Engineer"]), Signatory("Ben Brook", [])],
        "letterhead": Letterhead(
            "Friends of the River", "1 Quay • Rivertown", "555-0100", "river.example",
            [BoardMember("Ada Rivers", "Chair"), BoardMember("Cleo Ford"), BoardMember("Dan Wells")],
        ),
    }  # fmt: skip
    return LetterData(**words | changes)


def make(
    out: Path,
    entries: list[Entry],
    counted_only: int = 0,
    the_letter: LetterData | None = None,
    record: Record | None = None,
    control: JobControl = pdf.DEFAULT_CONTROL,
    **options: Any,
) -> tuple[pdf.Report, PdfReader]:
    counts = Counts(len(entries) + counted_only, len(entries), counted_only)
    report = pdf.write(
        the_letter or letter(), iter(entries), counts=counts, out=out, timestamp=WHEN, record=record, control=control,
        options=Options(**options),
    )  # fmt: skip
    return report, PdfReader(out)


def text_of(reader: PdfReader) -> str:
    return "\n".join(page.extract_text() for page in reader.pages)


def lines_of(reader: PdfReader) -> list[str]:
    return [line.strip() for line in text_of(reader).splitlines()]


def letters_of(text: str) -> set[str]:
    """Returns the letters of a text, whatever their composition and order."""
    return {char for char in unicodedata.normalize("NFKD", text) if not char.isspace()}


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> tuple[pdf.Report, PdfReader]:
    names = [*LEFT_TO_RIGHT, *OTHERWISE_ORDERED, WRAPPED, *BOXED]
    return make(tmp_path_factory.mktemp("pdf") / "everybody.pdf", [Entry(name) for name in names], 506)


def test_the_whole_letter_is_there(everybody: tuple[pdf.Report, PdfReader]) -> None:
    words = " ".join(everybody[1].pages[0].extract_text().split())
    for part in (
        "7 May 2013", "Her Excellency the Mayor City Hall", "A letter about the river", "Dear Madam,",
        "The river is not well.", "Measure it.", "Mend it.", "Water remembers.", "Yours sincerely,",
        "Chair of the Board", "1 Quay • Rivertown • 555-0100 • river.example", "Ada Rivers, Chair",
        "Cleo Ford", "Ben Brook",
    ):  # fmt: skip
        assert part in words
    assert "friends of the river" in words.lower()


def test_E6_names_written_from_left_to_right_read_back_exactly(everybody: tuple[pdf.Report, PdfReader]) -> None:
    assert set(LEFT_TO_RIGHT) <= set(lines_of(everybody[1]))


def test_E6_names_of_other_order_read_back_letter_by_letter(everybody: tuple[pdf.Report, PdfReader]) -> None:
    lines = [letters_of(line) for line in lines_of(everybody[1])]
    for name in OTHERWISE_ORDERED:
        assert any(letters_of(name) <= line for line in lines), name


def test_a_long_name_wraps_and_is_whole(everybody: tuple[pdf.Report, PdfReader]) -> None:
    assert WRAPPED in " ".join(text_of(everybody[1]).split())


def test_E6_a_letter_no_font_has_is_boxed_and_reported(everybody: tuple[pdf.Report, PdfReader]) -> None:
    report, reader = everybody
    expected = {f"U+{ord(char):04X}" for name in BOXED for char in name}
    assert set(report.missing) == expected
    assert all(code in text_of(reader) for code in expected)


def test_E6_no_glyph_is_missing_so_both_standards_hold(everybody: tuple[pdf.Report, PdfReader]) -> None:
    report, reader = everybody
    xmp = reader.xmp_metadata
    assert report.standards == ["ua-1", "a-2a"]
    assert xmp and xmp.stream.get_data().count(b"pdfuaid:part") and b"pdfaid:part" in xmp.stream.get_data()


def test_the_total_is_printed(everybody: tuple[pdf.Report, PdfReader]) -> None:
    report, reader = everybody
    assert report.names == 52
    assert "558 signatures: 52 named here and 506 who asked to be counted without their name." in text_of(reader)


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (Counts(0, 0, 0), "There are no signatures yet."),
        (Counts(1, 1, 0), "1 signature, named here."),
        (Counts(1, 0, 1), "1 signature, of someone who asked to be counted without their name."),
        (Counts(2, 1, 1), "2 signatures: 1 named here and 1 who asked to be counted without their name."),
        (Counts(3, 0, 3), "3 signatures, all of people who asked to be counted without their name."),
        (Counts(12_408, 12_408, 0, withdrawn=1), "12,408 signatures, all named here; 1 withdrew."),
        (Counts(9, 9, 0, waiting=1, rejected=1), "9 signatures, all named here; 1 still waits to be read; 1 was not accepted."),
        (
            Counts(12_408, 11_902, 506, withdrawn=31, rejected=212),
            ("12,408 signatures: 11,902 named here and 506 who asked to be counted without their name; 31 withdrew; "
            "212 were not accepted."),
        ),
    ],
)  # fmt: skip
def test_the_summary_is_correct_english(counts: Counts, sentence: str) -> None:
    assert pdf.Wording("en").summary(counts) == sentence


def test_every_page_has_its_number_and_the_total(tmp_path: Path) -> None:
    report, reader = make(tmp_path / "many.pdf", [Entry(f"Person {number}") for number in range(400)])
    assert report.pages == len(reader.pages) > 3
    for number, page in enumerate(reader.pages, 1):
        assert f"Page {number} of {report.pages}" in page.extract_text()
    assert {f"Person {number}" for number in range(400)} <= set(lines_of(reader))


def test_the_short_title_runs_from_the_second_page_on(everybody: tuple[pdf.Report, PdfReader]) -> None:
    first, *others = everybody[1].pages
    assert first.extract_text().count("A letter about the river") == 1
    assert all("A letter about the river" in page.extract_text() for page in others)


def test_letter_and_names_have_bookmarks(everybody: tuple[pdf.Report, PdfReader]) -> None:
    assert [mark.title for mark in everybody[1].outline if not isinstance(mark, list)] == ["Letter", "Co-signed by"]


def test_the_document_is_tagged_and_has_title_and_language(everybody: tuple[pdf.Report, PdfReader]) -> None:
    root = everybody[1].root_object
    viewing = root["/ViewerPreferences"]
    assert isinstance(viewing, DictionaryObject) and viewing["/DisplayDocTitle"]
    assert "/StructTreeRoot" in root and str(root["/Lang"]) == "en"
    assert everybody[1].metadata and everybody[1].metadata.title == "A letter about the river"


def test_E6_the_file_names_the_organization_and_no_person_machine_or_path(tmp_path: Path) -> None:
    report, reader = make(tmp_path / "quiet.pdf", [Entry("Ada")])
    assert report.names == 1 and "1 signature, named here." in text_of(reader)
    assert reader.metadata and set(reader.metadata) == {
        "/Title", "/Author", "/Subject", "/Keywords", "/Creator", "/CreationDate", "/ModDate",
    }  # fmt: skip
    assert reader.metadata.author == "Friends of the River", "who published it, and nobody who typed it"
    assert reader.metadata.subject == "Her Excellency the Mayor, 7 May 2013"
    assert str(reader.metadata["/Keywords"]) == "1 name, open letter"
    with (tmp_path / "quiet.pdf").open("rb") as file:
        assert pdf.name_count(file) == 1
    plain, record = (
        letter(letterhead=Letterhead("", "", "", "", [])),
        Record(organization="The Quay", recipient="Mayor"),
    )
    _report, stated = make(tmp_path / "plain.pdf", [Entry("Ada")], the_letter=plain, record=record)
    assert stated.metadata and stated.metadata.author == "The Quay", "as the statement says, also without a letterhead"
    assert stated.metadata.subject == "Mayor, 7 May 2013"
    assert re.fullmatch(r"Typst [\d.]+", str(reader.metadata["/Creator"]))
    streams = [b"", reader.xmp_metadata.stream.get_data() if reader.xmp_metadata else b""]
    for secret in (b"/tmp", b"/work", str(tmp_path).encode()):
        assert secret not in (tmp_path / "quiet.pdf").read_bytes()
        assert all(secret not in stream for stream in streams)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    entries = [Entry(name, "Reader", "리버 대학교", "Norway") for name in (*LEFT_TO_RIGHT, *BOXED)]
    for name in ("one.pdf", "two.pdf"):
        make(tmp_path / name, entries)
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()


def test_role_organization_and_country_follow_the_name(tmp_path: Path) -> None:
    _, reader = make(tmp_path / "roles.pdf", [Entry("Ada", "Judge", "Court", "Peru"), Entry("Ben", country="Chile")])
    assert {"Ada · Judge, Court, Peru", "Ben · Chile"} <= set(lines_of(reader))


MARKUP = [
    "#panic()",
    '#read("/etc/passwd")',
    "*x* _y_ `z`",
    "<b>bold</b>",
    "$x^2$ @ref",
    "// gone",
    "/* gone",
    "\\ ] }",
]


def test_S14_markup_in_a_name_is_inert(tmp_path: Path) -> None:
    report, reader = make(tmp_path / "markup.pdf", [Entry(name, role=name) for name in MARKUP])
    assert {f"{name} · {name}" for name in MARKUP} <= set(lines_of(reader))
    assert report.standards and not any("/Annots" in page for page in reader.pages)


def test_S12_line_breaks_and_tabs_in_a_name_make_no_second_line(tmp_path: Path) -> None:
    _, reader = make(tmp_path / "lines.pdf", [Entry("Ada\nB\tC\r\x00D\u2028E\u2029F")])
    assert "Ada B C  D E F" in lines_of(reader)


def test_a_name_of_200_letters_without_a_space_stays_in_its_column(tmp_path: Path) -> None:
    _, reader = make(tmp_path / "long.pdf", [Entry("W" * 200), Entry("Ada")])
    lines = lines_of(reader)
    wide = [line for line in lines if set(line) == {"W"}]
    assert sum(map(len, wide)) == 200 and max(map(len, wide)) < 32 and "Ada" in lines


STRANGE = [
    "Z" + "\u0301" * 60 + "algo",  # accents upon accents
    "ก" + "\u0e47" * 60,
    "김\u0301",  # the font that is tried first has the mark and not the letter
    "\u202egnirts",  # would reverse what follows
    "\ue000\U0010ffff\ud800",  # private use, unassigned and half characters
]


def test_strange_names_are_boxed_and_lose_no_letter(tmp_path: Path) -> None:
    report, reader = make(tmp_path / "wild.pdf", [*map(Entry, STRANGE), Entry("Ada")])
    shown = text_of(reader)
    assert set(report.missing) == {"U+0301", "U+0E47", "U+202E", "U+E000", "U+10FFFF", "U+D800"}
    assert all(code in shown for code in report.missing) and report.standards
    assert all(part in shown for part in ("algo", "ก", "김", "gnirts")) and "Ada" in lines_of(reader)


def test_joiners_variation_selectors_and_emoji_are_not_boxed(tmp_path: Path) -> None:
    names = ["می\u200cخواهم", "ශ්\u200dරී", "葛\U000e0100", "❤\ufe0f 👩\u200d👩\u200d👧 🇰🇷 👍🏽"]
    report, _ = make(tmp_path / "joined.pdf", [Entry(name) for name in names])
    assert report.missing == [] and report.standards


def test_P12_an_arabic_name_does_not_disturb_its_neighbors(tmp_path: Path) -> None:
    entries = [Entry("محمد (1)", "أستاذ", "Court", "3 Peru"), Entry("(2) Ada, Jr."), Entry("שרה", "4", "Court 5")]
    _, reader = make(tmp_path / "bidi.pdf", entries)
    *_, first, second, third, _range, _page = lines_of(reader)
    assert first.endswith("Court, 3 Peru") and letters_of(first) == letters_of("محمد (1)أستاذ·,Court,3Peru")
    assert letters_of(second) == letters_of("(2) Ada, Jr.")
    assert third.endswith(" · 4, Court 5")  # without isolation it would appear before the name
    assert letters_of(third) == letters_of("שרה·4,Court5")


def test_P12_a_left_to_right_name_keeps_its_end_in_a_right_to_left_letter(tmp_path: Path) -> None:
    _, reader = make(tmp_path / "from-right.pdf", [Entry("Ada, Jr.")], the_letter=letter(language="he"))
    assert "Ada, Jr." in lines_of(reader)


def test_invisible_format_characters_do_not_disturb_a_search(tmp_path: Path) -> None:
    _, reader = make(tmp_path / "marks.pdf", [Entry("Ada\u200e, Ju\u00adnior"), Entry("Ann\u200b Bo\u2060b, Jr.")])
    assert {"Ada, Junior", "Ann Bob, Jr."} <= set(lines_of(reader))


@pytest.mark.parametrize("language", ["ko", "zh-hant", "ar"])
def test_a_letter_in_another_language_is_marked_with_it(tmp_path: Path, language: str) -> None:
    blocks = [Block("paragraph", ((Span("강은 괜찮지 않습니다. 河不好。 النهر"), Span("굵게", strong=True)),))]
    words = letter(language=language, blocks=blocks)
    report, reader = make(tmp_path / "letter.pdf", [Entry("김철수"), Entry("Ada, Jr.")], the_letter=words)
    assert report.standards and str(reader.root_object["/Lang"]).split("-")[0] == language[:2]
    assert letters_of("강은 괜찮지 않습니다. 河不好。 النهر 굵게") <= letters_of(text_of(reader))
    assert {"김철수", "Ada, Jr."} <= set(lines_of(reader))


def test_a_document_without_signatures_says_so(tmp_path: Path) -> None:
    report, reader = make(tmp_path / "nobody.pdf", [])
    assert report.names == 0 and "There are no signatures yet." in text_of(reader)


def test_the_letter_can_be_written_alone(tmp_path: Path) -> None:
    report = pdf.write(letter(), [], counts=None, out=tmp_path / "letter.pdf", timestamp=WHEN)
    assert report.pages == 1 and "Co-signed by" not in text_of(PdfReader(tmp_path / "letter.pdf"))


def test_a_letter_with_empty_fields_is_no_error(tmp_path: Path) -> None:
    bare = letter(
        date="", addressee=[], salutation="", blocks=[], signatories=[], letterhead=Letterhead("R", "", "", "", [])
    )
    assert make(tmp_path / "bare.pdf", [Entry("Ada")], the_letter=bare)[0].pages == 2


@pytest.mark.parametrize("counts", [Counts(2, 2, 0), Counts(0, 0, 0), Counts(5, 1, 0), None])
def test_a_number_of_names_that_differs_from_the_counts_is_refused(tmp_path: Path, counts: Counts | None) -> None:
    with pytest.raises(ValueError, match=r"number|counts"):
        pdf.write(letter(), [Entry("Ada")], counts=counts, out=tmp_path / "wrong.pdf", timestamp=WHEN)
    assert list(tmp_path.iterdir()) == []


def test_a_time_without_a_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zone"):
        pdf.write(letter(), [], counts=None, out=tmp_path / "x.pdf", timestamp=WHEN.replace(tzinfo=None))


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "letter.pdf"
    out.write_bytes(b"yesterday's")

    def interrupted() -> Iterator[Entry]:
        yield Entry("Ada")
        raise ConnectionError

    with pytest.raises(ConnectionError):
        pdf.write(letter(), interrupted(), counts=Counts(2, 2, 0), out=out, timestamp=WHEN)
    assert list(tmp_path.iterdir()) == [out] and out.read_bytes() == b"yesterday's"


def test_a_failure_of_typst_has_its_own_exception_without_names(tmp_path: Path) -> None:
    unknown = letter(language="not a language", title="Secret")
    with pytest.raises(PdfFailed) as failure:
        make(tmp_path / "x.pdf", [Entry("Ada Lovelace")], the_letter=unknown)
    assert "Ada" not in str(failure.value) and "Secret" not in str(failure.value)
    assert failure.value.__cause__ is None and list(tmp_path.iterdir()) == []


def test_typesetting_that_takes_too_long_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typesetting, "MIN_SECONDS", 0.01)
    with pytest.raises(PdfFailed, match="took longer"):
        make(tmp_path / "x.pdf", [Entry("Ada")])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("language", ["fa", "ckb", "pa-arab", "he"])
def test_a_letter_from_right_to_left_begins_at_the_right_and_our_words_at_the_left(
    tmp_path: Path, language: str
) -> None:
    """Typst knows the direction of some languages alone, and takes Punjabi for one from right to left."""
    words = letter(language=language, salutation="תת.", blocks=[Block("paragraph", ((Span("תת."),),))])
    _, reader = make(tmp_path / "letter.pdf", [Entry("Ada, Jr.")], the_letter=words)
    first, names = reader.pages[0], reader.pages[1]
    middle = float(first.mediabox.width) / 2
    assert (side_of(first, "תת", middle), side_of(names, "Ada, Jr.", middle)) == ("right", "left")
    assert "1 Quay • Rivertown • 555-0100" in text_of(reader), "the letterhead keeps its own direction"
    assert str(reader.root_object["/Lang"]).split("-")[0] == language.split("-", maxsplit=1)[0]


def test_a_letter_in_punjabi_begins_at_the_left(tmp_path: Path) -> None:
    words = letter(language="pa", salutation="ਸਤਿ", blocks=[])
    _, reader = make(tmp_path / "letter.pdf", [], the_letter=words)
    assert side_of(reader.pages[0], "ਸ", float(reader.pages[0].mediabox.width) / 2) == "left"


def side_of(page: PageObject, words: str, middle: float) -> str:
    """Returns on which half of the page these words stand."""
    found: list[float] = []

    def visit(text: str, page: Any, line: Any, *_font: Any) -> None:
        if words in text:
            found.append(line[4] * page[0] + line[5] * page[2] + page[4])

    page.extract_text(visitor_text=visit)
    assert found, f"{words} is not on the page"
    return "right" if found[0] > middle else "left"
