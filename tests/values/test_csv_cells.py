"""CSV: one writer, and one guard against cells that a spreadsheet would run, in Python and in SQL."""

import io
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from signatures.values import csv_cells

BLANKS = ["", " ", "\u00a0", "\u3000", " \u3000 "]
NO_FORMULAS = ["", "Ada", "a=1", "1+1", "김철수", "'=1", "(=1)", " ", "\u00a0\u3000", "100%", "{x}", "\\x3d"]
CELLS = [blank + start + "1" for start in csv_cells.FORMULA_STARTS for blank in BLANKS] + NO_FORMULAS


@pytest.mark.parametrize("cell", CELLS)
def test_E1_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(cell: str) -> None:
    assert csv_cells.guard(cell) == (cell if cell in NO_FORMULAS else f"'{cell}")


@pytest.mark.django_db
@pytest.mark.parametrize("cell", CELLS)
def test_E1_the_guard_in_sql_is_the_guard_in_python(cell: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {csv_cells.guard_sql('cell')} FROM (SELECT %s::text AS cell) AS cells", [cell])
        assert cursor.fetchone() == (csv_cells.guard(cell),)


@pytest.mark.parametrize("cell", CELLS)
def test_a_guarded_cell_leads_back_to_what_it_was(cell: str) -> None:
    assert (cell, "x") in set(csv_cells.unguarded([csv_cells.guard(cell), "x"]))


def test_E1_every_row_is_written_guarded() -> None:
    out = io.StringIO(newline="")
    csv_cells.write_rows(out, [("letter", "address"), ("bridge", "=1+1@example.org"), (1, 'say "yes", please')])
    assert out.getvalue() == 'letter,address\r\nbridge,\'=1+1@example.org\r\n1,"say ""yes"", please"\r\n'


def test_E1_no_other_module_writes_csv() -> None:
    modules = [
        file for package in ("campaign", "signatures") for file in (Path(settings.BASE_DIR) / package).rglob("*.py")
    ]
    writers = [file.name for file in modules if re.search(r"csv\.(Dict)?[wW]riter", file.read_text(encoding="utf-8"))]
    assert writers == ["csv_cells.py"]
