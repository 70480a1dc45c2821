"""Over each page of names stand the numbers of its first and of its last name, as over the columns of a dictionary."""

from pathlib import Path

import pikepdf
import pytest
from pypdf import PdfReader

from campaign.runtime.regular_expressions import linear
from signatures.delivery import pdf
from signatures.delivery.pdf import Counts, Entry, JobControl, Options
from tests.delivery.test_pdf import WHEN, letter, make

pytestmark = pytest.mark.slow

NAME = linear(r"Person\s(\d+)")


def numbered(many: int) -> list[Entry]:
    """Long names among short ones, which take two lines, in sections of which each may begin a part of the document."""
    more = " of a very long name indeed"
    return [
        Entry(f"Person {n}{more * (n % 7 == 0)}", section=f"country:{'DEFRUS'[n // 1_600 * 2 :][:2]}")
        for n in range(1, many + 1)
    ]


def pages_of_names(file: Path) -> list[tuple[list[int], str]]:
    """Returns for each page that has names their numbers, and all its text."""
    texts = [page.extract_text() for page in PdfReader(file).pages]
    found = [([int(number) for number in NAME.findall(text)], text) for text in texts]
    return [(numbers, text) for numbers, text in found if numbers]


@pytest.mark.parametrize("set_size", [10_000, 400])
def test_the_head_of_a_page_has_the_numbers_of_its_first_and_last_name(tmp_path: Path, set_size: int) -> None:
    make(tmp_path / "x.pdf", numbered(3_300), control=JobControl(set_size=set_size))
    pages = pages_of_names(tmp_path / "x.pdf")
    assert len(pages) > 10
    for numbers, text in pages:
        assert f"{numbers[0]:,}–{numbers[-1]:,}" in text.replace("\n", " ")


def test_a_name_that_runs_on_over_the_break_is_on_both_pages(tmp_path: Path) -> None:
    make(tmp_path / "x.pdf", numbered(900), names="running")
    (first, text), (second, more) = pages_of_names(tmp_path / "x.pdf")
    assert f"1–{first[-1]}" in text
    begins = first[-1] if more.index("a very long name indeed") < more.index("Person") else second[0]
    assert f"{begins}–900" in more


def test_the_numbers_of_a_volume_go_on_from_the_one_before(tmp_path: Path) -> None:
    pdf.write(
        letter(), iter(numbered(3_300)), counts=Counts(3_300, 3_300, 0), out=tmp_path / "x.pdf", timestamp=WHEN,
        control=JobControl(set_size=400), options=Options(volume_pages=16),
    )  # fmt: skip
    first, second = (pages_of_names(tmp_path / f"x-{number}.pdf") for number in (1, 2))
    assert second[0][0][0] == first[-1][0][-1] + 1
    for numbers, text in (first[-1], second[0]):
        assert f"{numbers[0]:,}–{numbers[-1]:,}" in text.replace("\n", " ")


def test_a_letter_without_names_has_no_numbers_of_names(tmp_path: Path) -> None:
    make(tmp_path / "x.pdf", [])
    assert "–" not in PdfReader(tmp_path / "x.pdf").pages[-1].extract_text().splitlines()[0]


def test_the_font_of_the_numbers_is_in_the_file_once_however_many_parts_it_has(tmp_path: Path) -> None:
    make(tmp_path / "x.pdf", numbered(2), control=JobControl(set_size=1))
    with pikepdf.open(tmp_path / "x.pdf") as document:
        forms = [page.Resources.XObject.PageNumber for page in document.pages]
        fonts = {font.objgen for form in forms for font in form.Resources.Font.values()}
    assert len(forms) > 1 and len(fonts) == 1
