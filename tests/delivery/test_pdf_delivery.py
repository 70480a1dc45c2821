"""The document that is handed over: every name of every script, the record, and joining when there are many."""

import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from itertools import islice, pairwise
from pathlib import Path
from string import Formatter
from typing import Any

import pikepdf
import pytest
from babel import Locale
from pypdf import PdfReader

from campaign.letters.languages import plural_category
from signatures.delivery import pdf
from signatures.delivery.pdf import Counts, Entry, JobCanceled, JobControl, Options, Record, Wording, wording
from signatures.management.commands._people import people
from signatures.states import Source
from signatures.values import names
from tests.delivery.test_pdf import WHEN, letter, lines_of, make, text_of

pytestmark = pytest.mark.slow

MUST_PASS = Path(__file__).parents[1] / "values" / "names" / "must-pass.tsv"
TEXT_DIGEST, DIGEST = "3f" * 32, "9c" * 32
TEXTS = [
    {"revision": 1, "language": "en", "digest": TEXT_DIGEST},
    {"revision": 1, "language": "ko", "digest": "a1" * 32},
]
RECORD = Record(
    number=2, frozen_on=date(2026, 11, 25), texts=TEXTS, digest=DIGEST,
    errata=[{"delivery": 1, "withdrawn": 3, "erased": 0, "rejected": 1}], since=1, added=312, gone=4, address="https://letter.example/deliveries/river/2/",
)  # fmt: skip
COUNTS = Counts(12_408, 11_902, 506, withdrawn=31, rejected=212, paper=6, evidence=2, revisions={1: 12_000, 2: 408})

ProgressCalls = list[tuple[int, int]]


def everyone() -> list[Entry]:
    """300 made-up people and the names that must pass, in the order of a delivery."""
    listed = [line.split("\t")[0] for line in MUST_PASS.read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    path = {person.name: person.naming.language for person in islice(people(1), 300)}
    all_of_them = {unicodedata.normalize("NFC", name): path.get(name, "en") for name in (*path, *listed)}
    return [
        Entry(name, language=all_of_them[name], section=section(name))
        for name in sorted(all_of_them, key=names.sort_key)
    ]


def section(name: str) -> str:
    return pdf.section_of(
        name, order="name", is_organization=False, is_featured=False, country="", script_of=names.script_of
    )


# The Arabic font draws dots apart from their letters. pypdf then returns the first letter that had the same shape.
WITHOUT_DOTS = {
    ord(char): group[0]
    for group in ("نىيیبتثپقف", "حجخچ", "صض", "طظ", "عغ", "سش", "رزژ", "دذ", "هة", "كکگ")
    for char in group
}


def letters(line: str) -> frozenset[str]:
    """Returns the letters of a line. pypdf extracts scripts that reorder or join in visual order."""
    seen = unicodedata.normalize("NFKD", line).translate(WITHOUT_DOTS)
    return frozenset(char for char in seen if not char.isspace() and unicodedata.category(char) != "Cf")


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    return everyone()


@pytest.fixture(scope="module")
def whole(entries: list[Entry], tmp_path_factory: pytest.TempPathFactory) -> tuple[pdf.Report, PdfReader, Path]:
    out = tmp_path_factory.mktemp("whole") / "whole.pdf"
    return *make(out, entries, record=RECORD), out


def found(entries: list[Entry], report: pdf.Report, reader: PdfReader) -> list[str]:
    """Returns the names that are read back: exactly, or by their letters where a script reorders, joins or wraps."""
    lines = [unicodedata.normalize("NFC", line) for line in lines_of(reader)]
    alone = Counter(lines)
    # For pypdf a mark above its letter ends the line, so look at two lines together.
    together = [letters(one + other) for one, other in pairwise(lines)]
    names_found = []
    for one in entries:
        shown = "".join(f"U+{ord(c):04X}" if f"U+{ord(c):04X}" in report.missing else c for c in one.name)
        if alone[shown]:
            alone[shown] -= 1  # each line counts for one name
            names_found.append(one.name)
        elif any(letters(shown) <= line for line in together):
            names_found.append(one.name)
    return names_found


def test_E6_every_name_of_every_script_is_read_back_and_counted(
    entries: list[Entry], whole: tuple[pdf.Report, PdfReader, Path]
) -> None:
    report, reader, _ = whole
    assert len(entries) > 370 and {one.section for one in entries} >= {f"script:{s}" for s in ("Latn", "Arab", "Hani")}
    names_found = found(entries, report, reader)
    assert [one.name for one in entries if one.name not in names_found] == []
    assert len(names_found) == report.names == len(entries)
    assert f"{len(entries)} signatures, all named here." in " ".join(text_of(reader).split())
    assert report.standards == ["ua-1", "a-2a"]


def test_the_number_of_names_is_read_back_from_the_file(
    entries: list[Entry],
    whole: tuple[pdf.Report, PdfReader, Path],
    many_entries: list[Entry],
    joined: tuple[pdf.Report, Path, ProgressCalls],
    tmp_path: Path,
) -> None:
    make(tmp_path / "letter.pdf", [], parts="letter")
    (tmp_path / "broken.pdf").write_bytes(whole[2].read_bytes()[:500])
    files = (whole[2], joined[1], tmp_path / "letter.pdf", tmp_path / "broken.pdf")
    assert [pdf.name_count(BytesIO(file.read_bytes())) for file in files] == [
        len(entries),
        len(many_entries),
        None,
        None,
    ]


def outline_of(reader: PdfReader) -> list[tuple[str, int, list[Any]]]:
    """Returns the bookmarks: title, page from 0, and those below."""

    def read(items: list[Any]) -> Iterator[tuple[str, int, list[Any]]]:
        for item, next_one in pairwise([*items, None]):
            if not isinstance(item, list):
                below = next_one if isinstance(next_one, list) else []
                yield item.title, reader.get_destination_page_number(item) or 0, list(read(below))

    return list(read(reader.outline))


def flat(text: str) -> str:
    return "".join(text.split())


def test_each_script_has_a_heading_with_its_range_and_a_bookmark(
    entries: list[Entry], whole: tuple[pdf.Report, PdfReader, Path]
) -> None:
    the_letter, names_of_all, record = outline_of(whole[1])
    assert (the_letter[0], names_of_all[0], record[0]) == ("Letter", "Co-signed by", "Annex: record of this list")
    latin = sum(one.section == "script:Latn" for one in entries)
    below = [title for title, _page, _ in names_of_all[2]]
    assert below[0] == f"Latin, 1\u2013{latin}" and below[-1].startswith("Other scripts, ")
    assert below[-1].endswith(f"\u2013{len(entries)}") and record[1] == whole[0].pages - 1


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[pdf.Report, PdfReader]:
    """A document with 11,902 named and 506 counted only, and everything that a record can hold."""
    out = tmp_path_factory.mktemp("many") / "many.pdf"
    entries = [Entry(f"Person {n}", section="organizations" if n <= 5 else "others") for n in range(1, 11_903)]
    entries[4] = Entry("", section="organizations")
    entries[6] = Entry("Person 7", source=Source.PAPER, section="others")
    entries[7] = Entry("Person 8", source=Source.EVIDENCE, section="others")
    report = pdf.write(letter(), iter(entries), counts=COUNTS, record=RECORD, out=out, timestamp=WHEN)
    return report, PdfReader(out)


def test_the_record_explains_the_counts_and_how_to_check_them(many: tuple[pdf.Report, PdfReader]) -> None:
    shown = flat(many[1].pages[-1].extract_text())
    for words in (
        ("12,408 signatures: 11,902 named here and 506 who asked to be counted without their name; 31 withdrew; "
        "212 were not accepted."),
        "Delivery no. 2, frozen on November 25, 2026 (UTC).", "Since delivery no. 1: 312 added, 4 gone.",
        "After delivery no. 1 was frozen: 3 signatures withdrawn.",
        "After delivery no. 1 was frozen: 1 signature rejected by staff.", "6 signatures were given on paper; they are marked °.",
        "2 signatures were confirmed by staff on evidence; they are marked *.",
        "Text no. 1: 12,000 signatures English " + TEXT_DIGEST, "한국어 " + "a1" * 32, "Text no. 2: 408 signatures", DIGEST,
        "check.py", RECORD.address,
    ):  # fmt: skip
        assert flat(words) in shown


def test_long_sections_are_split_and_titled_with_their_ranges(many: tuple[pdf.Report, PdfReader]) -> None:
    report, reader = many
    _letter, (_title, first, below), _record = outline_of(reader)
    wanted = ["Organizations, 1–5", "Further signatories, 6–10,005", "Further signatories, 10,006–11,902"]
    assert [title for title, _page, _ in below] == wanted
    assert (below[0][1], below[1][1]) == (first, first)  # five names get no page of their own
    start = below[2][1]
    assert "Person 10006\n" in reader.pages[start].extract_text()
    assert "A letter about the river Further signatories" in reader.pages[start + 1].extract_text().splitlines()
    assert f"Page {report.pages} of {report.pages}" in reader.pages[-1].extract_text()


def test_what_came_on_paper_or_on_evidence_is_marked_and_erased_ones_keep_their_place(
    many: tuple[pdf.Report, PdfReader],
) -> None:
    lines = many[1].pages[1].extract_text().replace("\u00a0", " ").splitlines()
    assert "Person 7 °" in lines and "Person 8 *" in lines and "Person 5" not in lines
    assert lines[lines.index("[name erased]") - 1] == "Person 4"


def join(entries: list[Entry], folder: Path) -> tuple[pdf.Report, Path, ProgressCalls]:
    """Writes a document over the limit: letter, three sets of names and record are typeset apart."""
    progress: ProgressCalls = []
    control = JobControl(set_size=1, on_progress=lambda done, total: progress.append((done, total)))
    folder.mkdir(parents=True)
    out = folder / "joined.pdf"
    report, _ = make(out, entries, record=RECORD, control=control, draft=True, paper="us-letter")
    assert list(folder.iterdir()) == [out]
    return report, out, progress


@pytest.fixture(scope="module")
def many_entries(entries: list[Entry]) -> list[Entry]:
    return [*entries, *(Entry(f"Person {n}", section="others" if n <= 1_200 else "country:") for n in range(1, 1_401))]


@pytest.fixture(scope="module")
def joined(
    many_entries: list[Entry], tmp_path_factory: pytest.TempPathFactory
) -> tuple[pdf.Report, Path, ProgressCalls]:
    return join(many_entries, tmp_path_factory.mktemp("joined") / "here")


def test_beyond_the_limit_sets_are_typeset_apart_and_joined(
    many_entries: list[Entry], joined: tuple[pdf.Report, Path, ProgressCalls]
) -> None:
    report, out, progress = joined
    reader = PdfReader(out)
    assert report.pages == len(reader.pages) and report.standards == ["ua-1", "a-2a"]
    pages = [page.extract_text() for page in reader.pages]
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {report.pages}" in page.splitlines() and "DRAFT" in page
    assert len(found(many_entries, report, reader)) == report.names == len(many_entries)
    assert [done for done, _total in progress] == sorted(done for done, _total in progress) and len(progress) == 5
    assert (progress[0], progress[-1]) == ((0, len(many_entries)), (len(many_entries), len(many_entries)))
    the_letter, names_of_all, record = outline_of(reader)
    assert (the_letter[0], names_of_all[0], record[0]) == ("Letter", "Co-signed by", "Annex: record of this list")
    assert all(flat(title) in flat(pages[place]) for title, place, _ in names_of_all[2])
    assert names_of_all[2][-1][0] == f"Country not given, {len(many_entries) - 199:,}\u2013{len(many_entries):,}"
    assert {(page.mediabox.width, page.mediabox.height) for page in reader.pages} == {(612, 792)}


def test_a_joined_document_has_title_language_tags_and_both_standards(
    joined: tuple[pdf.Report, Path, ProgressCalls],
) -> None:
    report, out, _told = joined
    reader = PdfReader(out)
    assert reader.metadata and reader.metadata.title == "A letter about the river"
    metadata = reader.xmp_metadata.stream.get_data() if reader.xmp_metadata else b""
    assert b"<pdfaid:conformance>A<" in metadata and b"<xmpTPg:NPages>%d<" % report.pages in metadata
    assert b"pdfuaid:part>" in metadata
    assert "/StructTreeRoot" in reader.root_object and str(reader.root_object["/Lang"]) == "en"


def test_E9_a_document_made_again_elsewhere_has_the_same_bytes(
    entries: list[Entry], whole: tuple[pdf.Report, PdfReader, Path], tmp_path: Path
) -> None:
    """In another folder, by another process."""
    make(tmp_path / "another.pdf", entries, record=RECORD)
    assert (tmp_path / "another.pdf").read_bytes() == whole[2].read_bytes()


def test_E9_a_document_joined_again_elsewhere_has_the_same_bytes(
    many_entries: list[Entry], joined: tuple[pdf.Report, Path, ProgressCalls], tmp_path: Path
) -> None:
    _report, again, _told = join(many_entries, tmp_path / "quite" / "elsewhere")
    assert again.read_bytes() == joined[1].read_bytes()


def test_E6_the_file_names_no_person_or_machine_and_loads_nothing(
    whole: tuple[pdf.Report, PdfReader, Path], joined: tuple[pdf.Report, Path, ProgressCalls]
) -> None:
    for path in (whole[2], joined[1]):
        with pikepdf.open(path) as document:
            assert set(document.docinfo.keys()) == {
                "/Title",
                "/Author",
                "/Subject",
                "/Keywords",
                "/Creator",
                "/CreationDate",
                "/ModDate",
            }
            everything = b"".join(
                one.unparse(resolved=True) + (one.read_bytes() if isinstance(one, pikepdf.Stream) else b"")
                for one in document.objects
            )
        for secret in (b"/tmp", b"/work", str(path.parent).encode()):
            assert secret not in everything
        for acts in (b"/URI", b"/JavaScript", b"/Launch", b"/GoToR", b"/SubmitForm", b"/EmbeddedFile", b"/OpenAction"):
            assert acts not in everything


@pytest.mark.parametrize("set_size", [10_000, 0])
def test_a_canceled_job_leaves_nothing(tmp_path: Path, set_size: int) -> None:
    asked: list[None] = []

    def is_canceled() -> bool:
        asked.append(None)
        return len(asked) > 4

    with pytest.raises(JobCanceled):
        make(tmp_path / "x.pdf", [Entry("Ada")] * 2_000, control=JobControl(is_canceled=is_canceled, set_size=set_size))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("set_size", [10_000, 0])
def test_one_name_too_many_is_refused_whole_or_in_sets(tmp_path: Path, set_size: int) -> None:
    with pytest.raises(ValueError, match="number of entries"):
        pdf.write(
            letter(), [Entry("Ada")] * 3, counts=Counts(2, 2, 0), out=tmp_path / "x.pdf", timestamp=WHEN,
            control=JobControl(set_size=set_size),
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


PAGE_ONE = {
    "en": "Page 1 of {}", "ko": "{}쪽 중 1쪽", "zh-hans": "第 1 页，共 {} 页", "zh-hant": "第 1 頁，共 {} 頁",
    "ar": "صفحة 1 من {}", "es": "Página 1 de {}", "fr": "Page 1 sur {}", "ja": "{}ページ中1ページ",
}  # fmt: skip


@pytest.mark.parametrize("language", pdf.languages())
def test_the_wording_exists_in_every_language(tmp_path: Path, language: str) -> None:
    entries = [
        Entry("Ada", country="KR", section="organizations"),
        Entry("Ben", section="featured"),
        Entry("김철수", section="script:Hang"),
    ]
    report, reader = make(tmp_path / "frame.pdf", entries, 2, record=RECORD, language=language, draft=True)
    shown, words = flat(text_of(reader)), Wording(language)
    assert report.missing == [] and report.standards == ["ua-1", "a-2a"]
    for wanted in (
        PAGE_ONE[language].format(report.pages), words.summary(Counts(5, 3, 2)), words.words["draft"],
        words.words["co_signed"], words.heading("organizations"), words.heading("featured"),
        words.heading("script:Hang"), words.country("KR"), words.words["record"]["title"], words.words["record"]["draft"],
    ):  # fmt: skip
        # Letters of Arabic words are lost when text is read out of a PDF, so there only the missing glyphs are looked for.
        assert language == "ar" or flat(wanted).lower() in shown.lower()
    assert words.country("KR") != "KR" and words.day(date(2026, 1, 2)) in {
        "January 2, 2026", "2 de enero de 2026", "2 janvier 2026", "2 يناير 2026", "2026년 1월 2일", "2026年1月2日",
    }  # fmt: skip


def is_amount(value: Any) -> bool:
    return isinstance(value, dict) and "other" in value and value.keys() <= {*Locale("ar").plural_form.tags, "other"}


@pytest.mark.parametrize("language", pdf.languages())
def test_all_wordings_have_the_same_keys_and_placeholders(language: str) -> None:
    categories = {*Locale.parse(language, sep="-").plural_form.tags, "other"}

    def shape(value: Any, categories: set[str]) -> Any:
        if is_amount(value):
            assert value.keys() == categories, value
            return shape(value["other"], categories)  # the other forms may spell a number out
        if isinstance(value, dict):
            return {key: shape(one, categories) for key, one in value.items()}
        return {field for _, field, _, _ in Formatter().parse(value) if field}

    def read(name: str) -> dict[str, Any]:
        found = tomllib.loads((wording.FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
        del found["date"]
        return found

    assert shape(read(language), categories) == shape(read("en"), {"one", "other"})
    assert set(Wording(language).words["scripts"]) == {*names.SCRIPTS, "other"}


def test_an_amount_takes_the_form_of_its_language_and_numbers_are_grouped_as_on_the_pages() -> None:
    assert [plural_category("ar", n) for n in (0, 1, 2, 5, 11, 100)] == ["zero", "one", "two", "few", "many", "other"]
    forms = {"one": "{n} name", "other": "{n} names"}
    assert [Wording("en").amount(forms, n) for n in (1, 0, 1234567)] == ["1 name", "0 names", "1,234,567 names"]
    one_elsewhere = Wording("en").how_many(Counts(total=1, named=0, counted_only=0, elsewhere=1))
    assert one_elsewhere == "1 signature: 0 named here and 1 not named in public."
    assert Wording("fr").amount(forms, 0) == "0 name", "French counts nothing as one"
    assert Wording("fr").amount(forms | {"many": ""}, 1234) == "1\N{NO-BREAK SPACE}234 names"


def test_the_wording_follows_the_language_of_the_letter() -> None:
    for letters_own, spoken in {
        "ko": "ko",
        "zh-TW": "zh-hant",
        "zh-hant-hk": "zh-hant",
        "zh": "zh-hans",
        "fr-be": "fr",
        "de": "en",
    }.items():
        assert Wording.suiting(letters_own).language == spoken


@pytest.mark.parametrize(("language", "is_rtl"), [("he", False), ("ar", True)])
def test_the_columns_follow_the_direction_of_the_wording(tmp_path: Path, language: str, is_rtl: bool) -> None:
    """A letter in Hebrew has English wording around it."""
    entries = [Entry(f"Person {n}") for n in range(1, 140)]
    _, reader = make(tmp_path / "x.pdf", entries, the_letter=letter(language=language))
    places: dict[str, float] = {}
    reader.pages[1].extract_text(visitor_text=lambda text, cm, *_: places.update({text.strip(): cm[4]}))
    assert (places["Person 1"] > places["Person 80"]) is is_rtl


def test_letter_and_names_can_be_written_alone(tmp_path: Path) -> None:
    entries = [Entry("Ada")]
    _, alone = make(tmp_path / "letter.pdf", entries, record=RECORD, parts="letter")
    assert "Yours sincerely," in text_of(alone) and "Ada\n" not in text_of(alone) and len(alone.pages) == 1
    report, reader = make(tmp_path / "names.pdf", entries, record=RECORD, parts="names")
    shown = text_of(reader)
    assert "Ada" in lines_of(reader) and "A letter about the river" in shown and "Yours sincerely," not in shown
    assert report.standards == ["ua-1", "a-2a"] and len(reader.pages) == 2


def test_names_alone_without_their_counts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="counts"):
        pdf.write(letter(), [], counts=None, out=tmp_path / "x.pdf", timestamp=WHEN, options=Options(parts="names"))


@pytest.mark.parametrize(("paper", "size"), [("a4", (595, 842)), ("us-letter", (612, 792))])
def test_the_paper_size_can_be_chosen(tmp_path: Path, paper: str, size: tuple[int, int]) -> None:
    _, reader = make(tmp_path / "x.pdf", [Entry("Ada")], paper=paper)
    assert {(round(page.mediabox.width), round(page.mediabox.height)) for page in reader.pages} == {size}


def test_names_can_run_on_with_their_details(tmp_path: Path) -> None:
    entries = [Entry("Ada", "Judge", "Court", "PE"), Entry("김철수"), Entry("*x*", section=""), Entry("Ben")]
    _, reader = make(tmp_path / "running.pdf", entries, names="running")
    assert "Ada (Judge, Court, Peru) • 김철수 • *x* • Ben" in " ".join(text_of(reader).split())


def test_only_a_preview_is_marked_DRAFT(tmp_path: Path) -> None:
    _, preview = make(tmp_path / "draft.pdf", [Entry("Ada")], record=RECORD, draft=True)
    assert all("DRAFT" in page.extract_text() for page in preview.pages)
    assert "Delivery no." not in text_of(preview) and "This is a draft." in text_of(preview)
    _, final = make(tmp_path / "final.pdf", [Entry("Ada")], record=RECORD)
    assert "DRAFT" not in text_of(final) and "Delivery no. 2" in text_of(final)


def test_han_characters_have_the_shapes_of_the_signers_language(tmp_path: Path) -> None:
    """One code point has three shapes: the same name in three languages takes three glyphs of the font."""
    entries = [Entry("骨", language=language) for language in ("zh-hans", "zh-hant", "ko")]
    make(tmp_path / "han.pdf", entries, parts="names")
    with pikepdf.open(tmp_path / "han.pdf") as document:
        fonts = [one for one in document.objects if isinstance(one, pikepdf.Dictionary) and "/ToUnicode" in one]
        maps = [one.ToUnicode.read_bytes() for one in fonts]
    assert sum(one.count(b"<9AA8>") for one in maps) == 3


HEADINGS = [
    ("name", {"name": "Ada"}, "script:Latn"), ("name", {"name": "“김"}, "script:Hang"), ("day", {}, "others"),
    ("country", {"country": "KR"}, "country:KR"), ("country", {}, "country:"), ("name", {"is_featured": True}, "featured"),
    ("country", {"is_organization": True, "is_featured": True}, "organizations"),
]  # fmt: skip


@pytest.mark.parametrize(("order", "who", "wanted"), HEADINGS)
def test_the_section_of_an_entry_follows_the_order_of_the_letter(order: str, who: dict[str, Any], wanted: str) -> None:
    somebody: dict[str, Any] = {"name": "Ada", "is_organization": False, "is_featured": False, "country": ""} | who
    assert pdf.section_of(**somebody, order=order, script_of=names.script_of) == wanted
    assert Wording("en").heading(wanted)
