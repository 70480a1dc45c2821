"""A list of 20,000 people on paper, from the file to the signatures, with 1,000 and 100,000 signatures before it."""

import json
import time
from itertools import pairwise

from tests.bench.fixture import BenchSite
from tests.bench.table import Row, say

LINES, MAX_SECONDS, MAX_RATIO = 20_000, 60, 1.5
QUICK_LINES = 500


def run(sites: dict[str, BenchSite], *, quick: bool) -> list[Row]:
    lines = QUICK_LINES if quick else LINES
    found = {name: seconds(sites[name], lines) for name in ("1k", "100k")}
    for name, (preview, imported, undone) in found.items():
        say(f"  {name}: preview {preview:.1f} s, import {imported:.1f} s, taken back {undone:.1f} s")
    rows = []
    for place, step in enumerate(("preview", "import", "take back")):
        small, large = found["1k"][place], found["100k"][place]
        rows.append(Row(f"paper, {lines:,} lines: {step}", large, "s", small, MAX_RATIO, at_least=False))
        rows.append(Row(f"paper, {lines:,} lines: {step}", large, "s", None, MAX_SECONDS, at_least=False))
    return rows


def seconds(site: BenchSite, lines: int) -> tuple[float, float, float]:
    """Returns how long the preview, the import and its undoing take inside of this site."""
    code = f"import json; from tests.bench.papers import measure; print(json.dumps(measure({lines})))"
    taken = json.loads(site.manage("shell", "-v0", "--no-imports", "-c", code).splitlines()[-1])
    return float(taken[0]), float(taken[1]), float(taken[2])


def measure(lines: int) -> tuple[float, float, float]:
    from campaign.models import Letter  # noqa: PLC0415  inside of a site's own settings
    from signatures.paper import imports  # noqa: PLC0415  the same
    from tests.paper.clerk import HEAD, kept  # noqa: PLC0415  the same

    letter = Letter.objects.current()
    assert letter is not None
    people = (f"Ása Person {n},Nurse,Choir {n % 50},SE,,,2026-05-31,box {n}" for n in range(lines))
    text = "\n".join((HEAD, *people))
    moments = [time.perf_counter()]
    row = kept(letter, text, by=1)
    moments.append(time.perf_counter())
    imports.start(row, by=1)
    imports.run(row.pk)
    moments.append(time.perf_counter())
    imports.undo(row, by=1, typed=lines)
    moments.append(time.perf_counter())
    first, second, third = (end - begin for begin, end in pairwise(moments))
    return first, second, third
