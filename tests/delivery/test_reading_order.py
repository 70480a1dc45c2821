"""What a screen reader reads, in which order: the letter as it is read, then who signed it, then who stands behind it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from signatures.delivery.pdf import Entry, JobControl, Record
from signatures.delivery.typesetter import structure
from signatures.delivery.typesetter.page_content import MARK, TEXT_TOKEN, Font, codes
from tests.delivery.test_pdf import letter, make

# The parts of the letter's own page, each by the words it begins with.
LETTERHEAD, DATE, ADDRESSEE, TITLE = "Friends", "7 May 2013", "Her Excellency", "A letter about"
BODY, LIST, QUOTE, CLOSING = "The river is", "Measure it.", "Water remembers.", "Yours sincerely,"
SIGNATORY, BOARD = "Chair of the Board", "Board of Directors"


def read_in_order(file: Path) -> str:
    """Returns the text of all marked content as the structure tree has it, whatever stands first on the page."""
    with pikepdf.open(file) as document:
        texts = [dict(_texts_by_mark(page)) for page in document.pages]
        tree = structure.read(document)
        return " ".join(" ".join(texts[page][mark] for top in tree for page, mark in structure.marks(top)).split())


def _texts_by_mark(page: pikepdf.Page) -> Iterator[tuple[int, str]]:
    fonts = {name[1:]: Font(font) for name, font in page.Resources.Font.items()}
    for part in page.Contents.read_bytes().split(MARK)[1:]:
        number, _, body = part.partition(b">>BDC\n")
        known: dict[int, str] = {}
        read: list[str] = []
        for font, string, hexadecimal in TEXT_TOKEN.findall(body.partition(b"/Artifact")[0]):
            if font:
                known = fonts[font.decode()].texts
            else:
                read += [known.get(code, "") for code in codes(string, hexadecimal)]
        yield int(number.partition(b"/")[0]), "".join(read)


@pytest.mark.parametrize(("set_size", "options"), [(10_000, {}), (1, {}), (10_000, {"paper": "us-letter"})])
def test_letterhead_date_body_closing_signatories_board_then_names_then_the_annex_are_read_in_this_order(
    tmp_path: Path, set_size: int, options: Any
) -> None:
    entries = [Entry("Zoe First"), Entry("Bo Second"), Entry("Ann Third")]
    make(tmp_path / "x.pdf", entries, record=Record(number=1), control=JobControl(set_size=set_size), **options)
    text = read_in_order(tmp_path / "x.pdf")
    wanted = [
        LETTERHEAD, DATE, ADDRESSEE, TITLE, "Dear Madam,", BODY, LIST, QUOTE, CLOSING, SIGNATORY, "Ben Brook", BOARD,
        "Cleo Ford", "Zoe First", "Bo Second", "Ann Third", "Annex",
    ]  # fmt: skip
    places = {words: text.casefold().find(words.casefold()) for words in wanted}
    assert -1 not in places.values(), places
    assert sorted(places, key=places.__getitem__) == wanted


def test_a_letter_of_several_pages_is_read_to_its_end_before_its_signatories_and_the_board(tmp_path: Path) -> None:
    long = letter()
    blocks = [*long.blocks[:1] * 90, *long.blocks]
    make(tmp_path / "x.pdf", [Entry("Ada")], the_letter=letter(blocks=blocks))
    text = read_in_order(tmp_path / "x.pdf")
    assert text.rindex(BODY) < text.index(QUOTE) < text.index(CLOSING) < text.index(SIGNATORY)
    assert text.count(BODY) == 91
