"""The public list of ten thousand and of a million names: what each kind of page takes, of it in the database."""

import json
import statistics

from tests.bench.house import House
from tests.bench.table import Row, say

MOST_MS, MOST_RATIO = 50, 1.5
ROUNDS = 3


def run(houses: dict[str, House], *, quick: bool) -> list[Row]:
    times = 2 if quick else 15
    found: dict[str, dict[str, list[list[float]]]] = {"10k-public": {}, "1m-public": {}}
    for _turn in range(ROUNDS):
        for name, took in found.items():
            for page, pairs in told(houses[name], times).items():
                took.setdefault(page, []).extend(pairs)
    rows: list[Row] = []
    for page, large in found["1m-public"].items():
        small = found["10k-public"][page]
        database = [pair[0] for pair in large]
        worst, (before, whole) = p95(database), (statistics.median(pair[1] for pair in side) for side in (small, large))
        say(
            f"  {page}: database p50 {statistics.median(database):.1f} ms, p95 {worst:.1f} ms at 1 M; "
            f"p50 {statistics.median(pair[0] for pair in small):.1f} ms at 10 k; "
            f"whole page p50 {whole:.1f} ms and {before:.1f} ms"
        )
        rows.append(Row(f"list, {page}: database p95 at 1 M", worst, "ms", None, MOST_MS, at_least=False))
        rows.append(Row(f"list, {page}: page p50, 1 M / 10 k", whole, "ms", before, MOST_RATIO, at_least=False))
    return rows


def p95(figures: list[float]) -> float:
    return statistics.quantiles(figures, n=20, method="inclusive")[-1]


def told(house: House, times: int) -> dict[str, list[list[float]]]:
    said = house.manage("shell", "-v0", "-c", f"from tests.bench import lists; lists.pages({times})")
    return dict(json.loads(said))
