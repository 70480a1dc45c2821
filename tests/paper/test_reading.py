"""From the bytes of a file to its table: what spreadsheet programs save, and what is no list of names."""

import io
import subprocess
import sys
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from signatures.paper import reading, workbook
from signatures.paper.columns import NO_HEADINGS, heading_line, suggest
from signatures.paper.reading import CannotRead, Choices, Table, read_table

LISTS = Path(__file__).with_name("lists")


def rows(content: bytes | str, **chosen: str) -> list[list[str]]:
    return [cells for _number, cells in table(content, **chosen).rows]


def table(content: bytes | str, **chosen: str) -> Table:
    return read_table(content if isinstance(content, bytes) else content.encode(), Choices(**chosen))


def refusal(content: bytes | str, **chosen: str) -> str:
    with pytest.raises(CannotRead) as refused:
        table(content, **chosen)
    return str(refused.value)


def xlsx(cells: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "d mmm yyyy"}) as book:
        sheet = book.add_worksheet("List")
        for place, cell in cells.items():
            sheet.write(place, cell)
    return out.getvalue()


PEOPLE = [["name", "country"], ["José Peña", "ES"], ["Ann Example", "US"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_text_file_is_read_in_whatever_it_was_saved(encoding: str, delimiter: str, end: str) -> None:
    content = end.join(delimiter.join(cells) for cells in PEOPLE).encode(encoding)
    assert rows(content) == PEOPLE


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "name;organization\nJürgen Müller;Universität Köln\n"),
        ("cp1252", "name\n“Ann” O’Brien – Café\n"),
        ("cp1250", "name;city\nŁukasz Żółć;Kraków\nZdeněk Říha;Plzeň\n"),
        ("cp1251", "имя;страна\nИван Петров;RU\nАнна Сидорова;RU\n"),
        ("cp1253", "name\nΓιώργος Παπαδόπουλος\nΜαρία\n"),
        ("cp1254", "Ad Soyad;Ülke\nAyşe Yılmaz;Türkiye\n"),
        ("cp1254", "name\nIşıl Güneş\n"),
        ("cp1252", "nafn\nGuðmundur Þór Jónsson\n"),
        ("cp1252", "name;city\nMª José Peña;Málaga\n"),
        ("mac_roman", "name\nJosé Peña\nJürgen Müller\n"),
        ("cp1255", "שם,מדינה\nדוד כהן,ישראל\n"),
        ("cp1255", "name\nמשה לוי\n"),
        ("koi8_r", "name\nИван Петров\nАнна Каренина\n"),
        ("cp874", "name\nสมชาย ใจดี\n"),
        ("cp1256", "الاسم,البلد\nمحمد علي,مصر\nأحمد حسن,مصر\n"),
        ("cp949", "이름,나라\n김철수,한국\n김민준,한국\n"),
        ("cp949", "name\n김민준\n이서연\n金哲洙\n박지훈\n최수아\n정하윤\n강도현\n"),
        ("gb18030", "name\n张伟\n王芳\n"),
        ("gb18030", "name\n王小明\n"),
        ("big5", "name\n陳大文\n王小明\n"),
        ("cp932", "name\n山田太郎\n"),
        ("euc_jp", "氏名,国\n山田太郎,日本\n"),
        ("cp932", "氏名,国\n山田太郎,日本\n佐藤花子,日本\n"),
        ("gb18030", "姓名,国家\n王小明,中国\n李华,中国\n"),
        ("big5", "姓名,國家\n王小明,臺灣\n陳大文,香港\n"),
    ],
)
def test_an_encoding_is_detected_and_another_one_can_be_chosen(encoding: str, text: str) -> None:
    content = text.encode(encoding)
    assert (table(content).encoding, rows(content)[1]) == (encoding, text.splitlines()[1].replace(";", ",").split(","))
    assert rows(content, encoding="koi8_r" if encoding != "koi8_r" else "cp1251") != rows(content)
    assert "Please choose another encoding" in refusal(content, encoding="utf-8-sig")


@pytest.mark.parametrize(
    ("text", "numbers", "heading"),
    [
        ("\nname,country\nAnn,US\n", [2, 3], 2),
        ("name,country,,\nAnn,US,,\n,,,\nBen,DE,,\n", [1, 2, 4], 1),
        ("sep=;\r\nname;country\r\nAnn;US\r\n", [2, 3], 2),
        ("Signatures of May\n\nUppsala,,\nName,Country\nAnn,US\n", [1, 3, 4, 5], 4),
        ("\ufeffname,country\nAnn,US", [1, 2], 1),
        ("Ann Example,US\nBen Example,DE\n", [1, 2], NO_HEADINGS),
    ],
    ids=["blank line", "empty cells", "sep", "titles", "mark", "no headings"],
)
def test_what_stands_before_the_headings_and_around_the_cells_does_no_harm(
    text: str, numbers: list[int], heading: int
) -> None:
    found = table(text)
    assert [number for number, _cells in found.rows] == numbers, "as the spreadsheet numbers them"
    assert heading_line(found) == heading
    assert len(found.rows[-1][1]) == 2, "no empty column is left"


def test_a_name_with_a_comma_or_a_bar_stays_in_its_cell() -> None:
    assert rows("name;country\nExample, Ann;US\nExample, Ben;DE\n")[1] == ["Example, Ann", "US"]
    assert rows("name\nExample, Ann\nExample, Ben\n") == [["name"], ["Example, Ann"], ["Example, Ben"]]
    assert rows("name\n=cmd|run\n@handle\n")[1:] == [["=cmd|run"], ["@handle"]]
    assert rows("name|note\n'=cmd|'+x\n")[1] == ["=cmd", "+x"], "what our own files guard comes back"


@pytest.mark.parametrize("delimiter", [",", ";", "|"])
def test_a_space_before_a_quotation_mark_cuts_no_name_in_two(delimiter: str) -> None:
    text = 'no, name\n1, "Example, Ann"\n2,"Example, Ben"\n'.replace(", ", f"{delimiter} ").replace(
        "2,", f"2{delimiter}"
    )
    assert rows(text) == [["no", "name"], ["1", f"Example{delimiter} Ann"], ["2", f"Example{delimiter} Ben"]]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('name,organization\nBob,"Guild\nCarol,Choir\n', 2),
        ('name,organization\nAnn,"A\nB"\nBob,"Guild\nCarol,"Choir"\n', 4),
        ('name\n"Ann" Example\n', 2),
        ('name\nBob\n"' + "x" * 200_000, 3),
    ],
)
def test_a_quotation_mark_that_is_never_closed_refuses_the_file_and_names_the_line(text: str, line: int) -> None:
    assert f"in line {line} " in refusal(text)


def test_headings_are_known_in_the_languages_of_the_pages_and_taken_once() -> None:
    for headings, fields in {
        "First Name,Last Name,Email,Country": ["first_name", "last_name", "", "country"],
        "Full Name:,Organisation,Signed On,Visibility": ["name", "organization", "signed_on", "visibility"],
        "이름,소속,국가,서명일": ["name", "organization", "country", "signed_on"],
        "Prénom,Nom,Pays,Fonction": ["first_name", "last_name", "country", "role"],
        "Name;Vorname;Land": ["last_name", "first_name", "country"],
        "Name,First name": ["last_name", "first_name"],
        "姓名,国家,国家": ["name", "country", ""],
        "Full Name (required),Organization (optional),Country/Region,Timestamp": [
            "name",
            "organization",
            "country",
            "signed_on",
        ],
        "성함,소속 (선택)": ["name", "organization"],
        "姓名 Name,国 / Country": ["name", "country"],
        "이름 / Name,Date (of birth),Company Name": ["name", "", ""],
    }.items():
        assert suggest(table(f"{headings}\nx"), 1, {}) == fields


def test_cells_of_a_workbook_are_text_as_it_is_shown() -> None:
    content = xlsx({
        "B3": "Name", "C3": "Signed on", "D3": "No.", "E3": "OK", "B4": "Ann", "D4": 12, "E4": True,
        "C4": datetime(2013, 5, 7, tzinfo=UTC).replace(tzinfo=None), "B6": "TRUE", "C6": 41401, "D6": 0.5,
    })  # fmt: skip
    found = table(content)
    assert found.rows == [
        (3, ["Name", "Signed on", "No.", "OK"]),
        (4, ["Ann", "2013-05-07", "12", "TRUE"]),
        (6, ["TRUE", "41401", "0.5", ""]),
    ]
    assert (found.sheet, found.encoding) == ("List", "")


@pytest.mark.parametrize("name", ["libreoffice.ods", "libreoffice.xlsx", "libreoffice.xls"])
def test_what_libreoffice_saves_is_read(name: str) -> None:
    found = table((LISTS / name).read_bytes())
    assert [cells for _number, cells in found.rows][-3:] == [
        ["First Name", "Last Name", "Email", "Country", "Signed on"],
        ["Zoë", "Example", "zoe@example.org", "South Korea", "2013-05-07"],
        ["민준", "김", "kim@example.org", "대한민국", "2013-05-31"],
    ]


def test_another_sheet_can_be_chosen_and_hidden_ones_are_not_read() -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        for title in ("Empty", "May", "June", "Secret"):
            sheet = book.add_worksheet(title)
            if title != "Empty":
                sheet.write_column("A1", ["name", title])
        sheet.hide()
    assert (table(out.getvalue()).sheets, rows(out.getvalue())[1]) == (["May", "June"], ["May"])
    assert rows(out.getvalue(), sheet="June")[1] == ["June"]
    assert rows(out.getvalue(), sheet="Secret")[1] == ["May"]


def bomb_of_zeros() -> bytes:
    out = io.BytesIO(xlsx({"A1": "name"}))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/media/x", "w") as part:
        for _each in range(201):
            part.write(bytes(1_000_000))
    return out.getvalue()


def bomb_of_repeated_cells() -> bytes:
    """An .ods of a kilobyte whose one cell is repeated in every column of every row."""
    spaces = {"office": "office", "table": "table", "text": "text"}
    names = " ".join(f'xmlns:{key}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for key, name in spaces.items())
    cell = '<table:table-cell table:number-columns-repeated="16384" office:value-type="string"><text:p>x</text:p></table:table-cell>'
    rows = f'<table:table-row table:number-rows-repeated="1048576">{cell}</table:table-row>'
    body = f'<office:body><office:spreadsheet><table:table table:name="A">{rows}</table:table></office:spreadsheet></office:body>'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr("content.xml", f"<office:document-content {names}>{body}</office:document-content>")
    return out.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        bomb_of_zeros,
        bomb_of_repeated_cells,
        lambda: xlsx({"A1": "name", "XFD1048576": "the last cell of the sheet"}),
        lambda: xlsx({"A1": "name", "Z1000000": "with fewer cells than memory"}),
    ],
    ids=["zeros", "repeated cells", "last cell", "far cell"],
)
def test_A27_a_workbook_that_unpacks_to_gigabytes_gives_one_sentence_and_costs_seconds(make: Any) -> None:
    began = time.monotonic()
    assert "far larger than a list of names" in refusal(make())
    assert time.monotonic() - began < reading.SECONDS


def test_A27_the_process_that_reads_a_workbook_has_limits() -> None:
    program = "import resource; from pathlib import Path; import runpy, sys; sys.argv = ['x', '']\n"
    program += f"try: runpy.run_path({str(Path(workbook.__file__))!r}, run_name='__main__')\n"
    program += "except BaseException: print(resource.getrlimit(resource.RLIMIT_AS)[0])"
    done = subprocess.run([sys.executable, "-c", program], input=b"", capture_output=True, check=True)
    assert int(done.stdout) == workbook.MAX_MEMORY


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"\n,,\n\n", "is empty"),
        (b"name\n" + b"Ann\n" * 20_021, "more than 20,000 lines"),
        (b"name\n" + b"x" * 10_000_000, "larger than 10 megabytes"),
        (b"name" + b",x" * 101, "more than 100 columns"),
        (b"%PDF-1.7\n1 0 obj\n", "is no table of text"),
        (b"name\nAnn\0\n", "is no table of text"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(1, 256)) * 20, "is no table of text"),
        (b"PK\x03\x04" + b"x" * 100, "is damaged"),
        (b"\xd0\xcf\x11\xe0" + b"x" * 100, "cannot be read"),
        (xlsx({}), "is empty"),
    ],
)
def test_a_file_that_is_no_list_of_names_gives_one_clear_sentence(content: bytes, sentence: str) -> None:
    assert sentence in refusal(content)
