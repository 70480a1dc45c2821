"""The signed letter with a hundred thousand distinct names in all scripts, tagged, against ReportLab; and with a million."""

import contextlib
import json
import sys
from typing import Any

import pikepdf
import psycopg2

from tests.bench.csvs import inside
from tests.bench.fixture import SLUG, BenchSite
from tests.bench.fixture import run as call
from tests.bench.table import Row, say, turn_about


def run(houses: dict[str, BenchSite], *, quick: bool) -> list[Row]:
    house = houses["100k"]
    entries, made, base_made = (house.folder / name for name in ("entries.csv", "letter.pdf", "platypus.pdf"))
    # The target is of names alone, as the measurements behind it were: what is said of people doubles the text.
    with (
        contextlib.closing(psycopg2.connect(**house.database)) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE signatures_signature SET role = '', organization = '', country = ''")
    wanted = inside(house, f"inside.csv({SLUG!r}, {str(entries)!r})")["rows"]
    told: list[dict[str, Any]] = []

    def ours() -> float:
        # The house has a thousand more than are set in one: the target is of a tagged document.
        told.append(inside(house, f"inside.pdf({SLUG!r}, {str(made)!r}, {wanted})"))
        return float(told[-1]["seconds"])

    def base() -> float:
        said = call([sys.executable, "-m", "tests.bench.platypus", str(entries), str(base_made)], house.environment)
        return float(json.loads(said)["seconds"])

    found = turn_about({"Platypus": base, "export_pdf": ours}, 1 if quick else 3)
    last = told[-1]
    faults = [] if last["names"] == wanted else [f"{last['names']} names of {wanted}"]
    faults += [f"missing: {' '.join(last['missing'])}"] if last["missing"] else []
    with pikepdf.open(made) as document:
        faults += [] if document.Root.get("/MarkInfo", {}).get("/Marked") else ["untagged"]
    faults += [] if {"ua-1", "a-2a"} <= set(last["standards"]) else ["without its seal"]
    memory = max(one["memory"] for one in told)
    return [
        Row(
            f"PDF of {wanted:,} names, tagged, all scripts / Platypus",
            found["export_pdf"],
            "s",
            found["Platypus"],
            0.5,
            at_least=False,
            faults=faults,
        ),
        Row("PDF: memory, ours and the typesetter's", memory, "MiB", None, 1024, at_least=False),
        Row("PDF: size", made.stat().st_size / 1e6, "MB", None, 6, at_least=False),
        a_million(houses["1m"]),
    ]


def a_million(house: BenchSite) -> Row:
    """Complete, joined from sets; the names with all that is said of people."""
    made = house.folder / "letter.pdf"
    wanted = inside(house, f"inside.csv({SLUG!r}, {str(house.folder / 'entries.csv')!r})")["rows"]
    told: dict[str, Any] = inside(house, f"inside.pdf({SLUG!r}, {str(made)!r})")
    say(f"  {told['names']:,.0f} names on {told['pages']:,.0f} pages in {told['seconds']:.0f} s")
    with pikepdf.open(made) as document:
        pages = len(document.pages)
    faults = [] if told["names"] == wanted else [f"{told['names']} names of {wanted}"]
    faults += [] if pages == told["pages"] else [f"{pages} pages of {told['pages']}"]
    return Row(
        "PDF of a million, complete: memory in all", told["memory"], "MiB", None, 1536, at_least=False, faults=faults
    )
