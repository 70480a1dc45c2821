"""The signed letter with 100,000 distinct names in all scripts, tagged, against ReportLab; and with a million."""

import contextlib
import json
import sys
from typing import Any

import pikepdf
import psycopg2

from tests.bench.csvs import inside
from tests.bench.fixture import SLUG, BenchSite
from tests.bench.fixture import run as call
from tests.bench.table import Row, alternate, say


def run(sites: dict[str, BenchSite], *, quick: bool) -> list[Row]:
    site = sites["100k"]
    entries, made, base_made = (site.folder / name for name in ("entries.csv", "letter.pdf", "platypus.pdf"))
    # The target is for names alone, as it was first measured: roles, organizations and countries double the text.
    with (
        contextlib.closing(psycopg2.connect(**site.database)) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE signatures_signature SET role = '', organization = '', country = ''")
    wanted = inside(site, f"inside.csv({SLUG!r}, {str(entries)!r})")["rows"]
    results: list[dict[str, Any]] = []

    def ours() -> float:
        results.append(inside(site, f"inside.pdf({SLUG!r}, {str(made)!r})"))
        return float(results[-1]["seconds"])

    def base() -> float:
        output = call([sys.executable, "-m", "tests.bench.platypus", str(entries), str(base_made)], site.environment)
        return float(json.loads(output)["seconds"])

    found = alternate({"Platypus": base, "export_pdf": ours}, 1 if quick else 3)
    last = results[-1]
    faults = [] if last["names"] == wanted else [f"{last['names']} names of {wanted}"]
    faults += [f"missing: {' '.join(last['missing'])}"] if last["missing"] else []
    with pikepdf.open(made) as document:
        faults += [] if document.Root.get("/MarkInfo", pikepdf.Dictionary()).get("/Marked") else ["untagged"]
    faults += [] if {"ua-1", "a-2a"} <= set(last["standards"]) else ["without PDF/UA and PDF/A"]
    memory = max(one["memory"] for one in results)
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
        Row("PDF: memory, ours and the typesetter's", memory, "MiB", None, 450, at_least=False),
        Row("PDF: size", made.stat().st_size / 1e6, "MB", None, 8, at_least=False),
        a_million(sites["1m"]),
    ]


def a_million(site: BenchSite) -> Row:
    """Writes the complete letter, joined from sets, with roles, organizations and countries."""
    made = site.folder / "letter.pdf"
    wanted = inside(site, f"inside.csv({SLUG!r}, {str(site.folder / 'entries.csv')!r})")["rows"]
    result: dict[str, Any] = inside(site, f"inside.pdf({SLUG!r}, {str(made)!r})")
    say(f"  {result['names']:,.0f} names on {result['pages']:,.0f} pages in {result['seconds']:.0f} s")
    with pikepdf.open(made) as document:
        pages = len(document.pages)
    faults = [] if result["names"] == wanted else [f"{result['names']} names of {wanted}"]
    faults += [] if pages == result["pages"] else [f"{pages} pages of {result['pages']}"]
    return Row(
        "PDF of a million, complete: memory in all", result["memory"], "MiB", None, 450, at_least=False, faults=faults
    )
