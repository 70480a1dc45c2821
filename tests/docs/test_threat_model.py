"""The threat model has every row that code and tests cite, once."""

import re
from collections import Counter

import pytest

from tests.docs.pages import BASE, page

IDS = "[SCPAEROXF][0-9]{1,2}"
# As words of their own (S25, R4), and not in the middle of a URL or a color (%A0, #F0).
CITED = re.compile(rf"(?<![\w%#&/-]){IDS}(?![\w-])")
IN_A_TEST = re.compile(rf"^\s*(?:async )?def test_((?:{IDS}_)+)", re.MULTILINE)
# | [S1]{#s1} | … | … | status |
ROW = re.compile(rf"^\| \[({IDS})\]{{#(\w+)}} \|.*\| ([^|]+) \|$", re.MULTILINE)
STATUSES = {"tested", "in place", "partly", "planned", "measured"}
# The rows that no test carries. Their number only falls: a new row needs a test with its id.
WITHOUT_TEST = {
    "E8",
    "O2",
    "O6",
    "O9",
    "X1",
    "X3",
    "X4",
    "X5",
    "X6",
    "X7",
    *(f"F{number}" for number in range(2, 20) if number != 6),
}

MODEL = page("threat-model/index.md")
ROWS = {row: status for row, _anchor, status in ROW.findall(MODEL)}
TESTS = {
    row for file in (BASE / "tests").rglob("*.py") for found in IN_A_TEST.findall(file.read_text(encoding="utf-8"))
    for row in found.strip("_").split("_")
}  # fmt: skip


def cited() -> dict[str, str]:
    """Each id that code, tests or SECURITY.md cite, with one place where they do."""
    files = [BASE / "SECURITY.md", *(file for name in ("campaign", "signatures", "tests") for file in (BASE / name).rglob("*.py"))]  # fmt: skip
    return {
        row: str(file.relative_to(BASE)) for file in files for row in CITED.findall(file.read_text(encoding="utf-8"))
    }


def test_there_are_rows_of_every_kind() -> None:
    assert {row[0] for row in ROWS} == set("SCPAEROXF")
    assert len(ROWS) > 150


def test_each_row_is_there_once_and_its_anchor_is_its_id() -> None:
    rows = ROW.findall(MODEL)
    assert [row for row, number in Counter(row for row, _anchor, _status in rows).items() if number > 1] == []
    assert [row for row, anchor, _status in rows if anchor != row.lower()] == []
    assert len(rows) == MODEL.count("]{#") - MODEL.count("[drill "), "a row has another form than the others"


def test_every_id_that_is_cited_is_a_row() -> None:
    places = cited()
    assert len(places) > 30
    assert {row: place for row, place in places.items() if row not in ROWS} == {}
    assert TESTS - ROWS.keys() == set()


def test_every_row_has_a_known_status() -> None:
    assert {row: status for row, status in ROWS.items() if status not in STATUSES} == {}


@pytest.mark.parametrize("row", sorted(ROWS.keys() - WITHOUT_TEST))
def test_a_test_carries_the_id_of_each_row_which_is_called_tested(row: str) -> None:
    assert row in TESTS, f"no test carries the id {row}: write one, in place of a row without it"
    assert ROWS[row] in {"tested", "partly", "measured"}, f"a test carries the id {row}, and its status says otherwise"


def test_no_row_joins_those_without_a_test() -> None:
    assert {row for row in WITHOUT_TEST if row not in ROWS or row in TESTS or ROWS[row] == "tested"} == set()
