"""Every tenth name has its number at the edge of its column: seen, and neither heard nor found in the text."""

from itertools import pairwise
from pathlib import Path

import pikepdf
import pytest

from campaign.runtime.regular_expressions import DOTALL, linear
from signatures.delivery.pdf import Entry, JobControl
from signatures.delivery.typesetter.tag_names import NUMBER_COLOR
from signatures.states import Source
from tests.delivery.read_back import lines_read_by, made_up
from tests.delivery.test_accessible_pdf import POINTS_OF_THE_LETTER, elements
from tests.delivery.test_pdf import make

pytestmark = pytest.mark.slow

NUMBER = linear(rb"/Artifact BMC\nq /c0 cs " + NUMBER_COLOR.replace(b".", rb"\.") + rb" scn(.*?)EMC", DOTALL)
DIGIT = linear(rb"/(G\d+) Do")
ITEM = linear(rb"/Span<</MCID \d+>>BDC")


def numbers_seen(file: Path) -> list[tuple[int, str]]:
    """Returns for each number how many marked pieces came before it, and its digits as they are drawn.

    Digits are outlines. Which is which follows from the first hundred numbers: 10, 20, 30 and so on.
    """
    found: list[tuple[int, list[bytes]]] = []
    before = 0
    with pikepdf.open(file) as document:
        for page in document.pages:
            parts = NUMBER.split(page.Contents.read_bytes())
            for text, number in zip(parts[::2], [*parts[1::2], None], strict=True):
                before += len(ITEM.findall(text))
                if number is not None:
                    forms = [page.Resources.XObject[f"/{name.decode()}"] for name in DIGIT.findall(number)]
                    found.append((before, [form.read_bytes() for form in forms]))
    digits: dict[bytes, str] = {}
    for place, (_before, outlines) in enumerate(found[:99], start=1):
        for outline, digit in zip(outlines, str(10 * place), strict=True):
            assert digits.setdefault(outline, digit) == digit
    assert len(set(digits.values())) == len(digits), "each digit has an outline of its own"
    return [(before, "".join(digits.get(outline, ",") for outline in outlines)) for before, outlines in found]


@pytest.mark.parametrize("set_size", [10_000, 1])
def test_each_tenth_name_has_its_number_behind_it_whatever_the_sections(tmp_path: Path, set_size: int) -> None:
    sections = (("organizations", 1_503), ("others", 1_512))
    entries = [Entry(f"Signer {place}", section=section) for section, many in sections for place in range(many)]
    make(tmp_path / "x.pdf", entries, control=JobControl(set_size=set_size))
    seen = numbers_seen(tmp_path / "x.pdf")
    assert [number for _before, number in seen] == [f"{number:,}" for number in range(10, 3_015, 10)]
    steps = [after - before for (before, _), (after, _) in pairwise(seen)]
    assert sum(step == 10 for step in steps) > 0.9 * len(steps) and set(steps) <= {10, 11, 12, 13, 14, 15}, (
        "headings and the like come between"
    )


def test_numbers_are_neither_heard_nor_found_and_change_no_item(tmp_path: Path) -> None:
    entries = [
        *made_up(330),
        Entry("María " * 20),
        *[Entry("Ada", source=Source.PAPER)] * 8,
        Entry("W" * 200),
        Entry(""),
    ]
    make(tmp_path / "x.pdf", entries)
    lines = lines_read_by(["pdftotext", str(tmp_path / "x.pdf"), "-"])
    assert not any(line.isdigit() or line.endswith((" 10", " 20", " 330")) for line in lines)
    with pikepdf.open(tmp_path / "x.pdf") as document:
        items = [item for one in elements(document.Root.StructTreeRoot, "/L") for item in elements(one, "/LI")]
    assert len(items) - POINTS_OF_THE_LETTER == len(entries)


def test_names_that_run_on_have_no_numbers(tmp_path: Path) -> None:
    make(tmp_path / "x.pdf", made_up(60), names="running")
    assert numbers_seen(tmp_path / "x.pdf") == []
