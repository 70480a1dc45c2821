"""What people typed is read back unchanged from the CSV, the PDF and a spreadsheet program."""

import csv
import io
import re
import shutil
import subprocess
import threading
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.db import connection
from pypdf import PdfReader

from campaign.models import Letter
from signatures.delivery import building, freezing, reconciliation, statement
from signatures.delivery.pdf import Report
from signatures.models import Delivery
from signatures.signing import withdrawal
from signatures.states import Visibility
from signatures.values import names
from tests.delivery.factories import path_of
from tests.delivery.test_pdf_delivery import everyone, found
from tests.factories import make_many, make_signature

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
LIBREOFFICE = shutil.which("soffice")
FORMULAS = [
    "=1+1",
    "＝1+1",
    "+82 2 123",
    "-1",
    "@SUM(A1)",
    " =1",
    "\u3000=1",
    '=HYPERLINK("http://x","y")',
    "1E5",
    "007",
]


@pytest.fixture(autouse=True)
def deliveries(tmp_path: Path, settings: Any) -> None:
    settings.DELIVERIES_DIR = tmp_path / "deliveries"


def built(delivery: Delivery) -> Delivery:
    building.build(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.state == Delivery.State.READY, delivery.failure
    return delivery


def file_of(delivery: Delivery, name: str) -> bytes:
    with zipfile.ZipFile(path_of(delivery)) as bundle:
        return bundle.read(f"{delivery}/{name}")


def rows_of(delivery: Delivery) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file_of(delivery, statement.CSV).decode("utf-8-sig"), newline="")))


@pytest.fixture
def concurrent_writer(letter: Letter) -> Iterator[None]:
    """Signs and withdraws in another thread during the test."""
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            withdrawal.withdraw(make_signature(letter, "Meanwhile"))
            make_signature(letter, "", visibility=Visibility.COUNTED)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    yield
    stop.set()
    writer.join()


def test_E6_every_name_of_every_script_is_read_back_from_csv_and_pdf(letter: Letter) -> None:
    entries = everyone()
    for one in entries:
        make_signature(letter, one.name, language=one.language)
    delivery = built(freezing.freeze(letter, by=None, reason="the hearing"))

    listed = [row["name"] for row in rows_of(delivery)]
    assert sorted(listed) == sorted(one.name for one in entries)
    assert [names.sort_key(name) for name in listed] == [names.sort_key(one.name) for one in entries]
    entries.sort(key=lambda one: listed.index(one.name))  # names of one key stand in any order
    reader = PdfReader(io.BytesIO(file_of(delivery, statement.PDF)))
    text = "\n".join(page.extract_text() for page in reader.pages)
    boxed = re.findall(r"U\+[0-9A-F]{4,6}", text)
    assert found(entries, Report(len(reader.pages), len(entries), boxed, []), reader) == [one.name for one in entries]
    assert f"{len(entries)} signatures, all named here" in " ".join(text.split())


def test_E3_counts_rows_names_and_leaves_agree_while_people_sign(letter: Letter, concurrent_writer: None) -> None:
    make_many(letter, 20)
    delivery = built(freezing.freeze(letter, by=None, reason="the hearing"))
    assert [str(check) for check in reconciliation.check_delivered() if not check.holds] == []
    assert len(rows_of(delivery)) == delivery.counts["named"] >= 20


def test_paper_signatures_are_marked_in_the_pdf_and_counted(letter: Letter) -> None:
    make_signature(letter, "Ada Lovelace")
    make_signature(letter, "On Paper", paper=True, address_hash=None)
    delivery = built(freezing.freeze(letter, by=None, reason="the hearing"))
    text = PdfReader(io.BytesIO(file_of(delivery, statement.PDF))).pages[-2].extract_text().replace("\u00a0", " ")
    assert "On Paper °" in text and "Ada Lovelace °" not in text
    assert b'"paper":1,' in file_of(delivery, statement.STATEMENT)
    columns = "number kind name role organization country signed_on language revision source"
    assert list(rows_of(delivery)[0]) == columns.split()


def spreadsheet(content: bytes, folder: Path) -> list[tuple[list[str], list[str]]]:
    """Returns texts and formulas of each row in LibreOffice, which is set to evaluate formulas."""
    (folder / "list.csv").write_bytes(content)
    command = [
        str(LIBREOFFICE), f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", "fods",
        "--infilter=CSV:44,34,76,1,,0,false,true,false,false,false,1,true", "--outdir", str(folder),
        str(folder / "list.csv"),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    table, text = (
        "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}",
        "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}",
    )
    rows = ET.parse(folder / "list.fods").iter(f"{table}table-row")  # noqa: S314  # LibreOffice just wrote it
    return [
        (
            ["".join(p.text or "" for p in cell.iter(f"{text}p")) for cell in row],
            [cell.attrib[f"{table}formula"] for cell in row if f"{table}formula" in cell.attrib],
        )
        for row in rows
    ]


@pytest.mark.skipif(LIBREOFFICE is None, reason="LibreOffice (soffice) is not installed")
def test_E1_a_spreadsheet_program_shows_every_script_and_no_formula(letter: Letter, tmp_path: Path) -> None:
    names = [unicodedata.normalize("NFC", one.name) for one in everyone()]
    for name in (*names, *FORMULAS):
        make_signature(letter, name, role=name[:200], organization=name[:200])
    delivery = built(freezing.freeze(letter, by=None, reason="the hearing"))

    shown = spreadsheet(file_of(delivery, statement.CSV), tmp_path)

    assert [formula for _row, formulas in shown for formula in formulas] == []
    shown_cells = {cell for row, _formulas in shown for cell in row}
    assert [name for name in names if " ".join(name.split()) not in shown_cells and name not in shown_cells] == []
    (_row, control), *_rest = spreadsheet(b"\xef\xbb\xbf=1+1,x\r\n", tmp_path)
    assert control, "this LibreOffice runs no formula at all, and proves nothing"
