"""The list of a million as CSV, against `copy` of psql with the same columns and rows, without the formula guard."""

import json
import time

from campaign.runtime import cluster
from tests.bench.fixture import SLUG, BenchSite
from tests.bench.fixture import run as call
from tests.bench.table import Row, alternate

PLAIN = """
    SELECT row_number() OVER (ORDER BY s.approved_on DESC, s.public_id) AS number, s.kind, s.name, s.role, s.organization,
           s.country, (s.confirmed_at AT TIME ZONE 'UTC')::date AS signed_on, s.language, r.number AS revision
    FROM signatures_signature s JOIN campaign_letter l ON l.id = s.letter_id
    JOIN campaign_translation t ON t.id = s.translation_id JOIN campaign_revision r ON r.id = t.revision_id
    WHERE l.slug = '{slug}' AND s.state = 'approved' AND s.visibility IN ('public', 'delivery') ORDER BY 1
"""


def run(sites: dict[str, BenchSite], *, quick: bool) -> list[Row]:
    site = sites["1m"]
    made, plain = site.folder / "list.csv", site.folder / "plain.csv"
    peaks: list[float] = []

    def ours() -> float:
        result = inside(site, f"inside.csv({SLUG!r}, {str(made)!r})")
        peaks.append(result["peak"])
        return float(result["seconds"])

    def base() -> float:
        select = " ".join(PLAIN.format(slug=SLUG).split())
        where = [
            f"--{name}={value}"
            for name, value in zip(("host", "username", "dbname"), site.database.values(), strict=True)
        ]
        started = time.perf_counter()
        call(
            [
                str(cluster.binaries() / "psql"),
                "-X",
                *where,
                "-c",
                rf"\copy ({select}) TO '{plain}' (FORMAT csv, HEADER)",
            ],
            site.environment,
        )
        return time.perf_counter() - started

    found = alternate({"psql \\copy": base, "export_csv": ours}, 1 if quick else 5)
    inside(site, "inside.empty_letter('empty')")
    idle = inside(site, f"inside.csv('empty', {str(site.folder / 'empty.csv')!r})")["peak"]
    with made.open("rb") as ours_file, plain.open("rb") as base_file:
        rows, wanted = sum(1 for _ in ours_file), sum(1 for _ in base_file)
    faults = [] if rows == wanted else [f"{rows} lines, but {wanted} in the base"]
    return [
        Row(
            f"CSV of {(rows - 1):,} rows, guarded / psql \\copy",
            found["export_csv"],
            "s",
            found["psql \\copy"],
            1.5,
            at_least=False,
            faults=faults,
        ),
        Row("CSV: memory beyond an empty list's", max(peaks) - idle, "MiB", None, 40, at_least=False),
    ]


def inside(site: BenchSite, call: str) -> dict[str, float]:
    said = site.manage("shell", "-v0", "-c", f"from tests.bench import inside; {call}")
    return dict(json.loads(said or "{}"))
