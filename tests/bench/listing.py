"""The public list of ten thousand and of a million names: the time of each kind of page, in all and in the database."""

import json
import statistics
from collections.abc import Sequence

from tests.bench.fixture import BenchSite
from tests.bench.table import Row, say

MAX_MS, MAX_RATIO = 50, 1.5
ROUNDS = 3
CLOCKS = ("database", "its processor alone", "whole page")  # as `lists.fetch` returns them


def run(sites: dict[str, BenchSite], *, quick: bool) -> list[Row]:
    times = 2 if quick else 15
    found: dict[str, dict[str, list[list[float]]]] = {"10k-public": {}, "1m-public": {}}
    for _turn in range(ROUNDS):
        for name, took in found.items():
            for page, figures in result(sites[name], times).items():
                took.setdefault(page, []).extend(figures)
    rows: list[Row] = []
    for page, large in found["1m-public"].items():
        rows += rows_of(page, found["10k-public"][page], large)
    return rows


def rows_of(page: str, small: Sequence[Sequence[float]], large: Sequence[Sequence[float]]) -> list[Row]:
    few, many = (dict(zip(CLOCKS, zip(*took, strict=True), strict=True)) for took in (small, large))
    for size, clocks in (("10 k", few), ("1 M", many)):
        figures = (f"{clock} {statistics.median(took):.1f}, {p95(took):.1f}" for clock, took in clocks.items())
        say(f"  {page}, {size}, p50 and p95 in ms: {'; '.join(figures)}")
    rows = [Row(f"list, {page}: database p95 at 1 M", p95(many["database"]), "ms", None, MAX_MS, at_least=False)]
    for clock in CLOCKS:
        ours, base = (statistics.median(side[clock]) for side in (many, few))
        work = f"list, {page}: {clock} p50, 1 M / 10 k"
        rows.append(Row(work, ours, "ms", base, MAX_RATIO, at_least=False))
    return rows


def p95(figures: Sequence[float]) -> float:
    return statistics.quantiles(figures, n=20, method="inclusive")[-1]


def result(site: BenchSite, times: int) -> dict[str, list[list[float]]]:
    said = site.manage("shell", "-v0", "-c", f"from tests.bench import lists; lists.pages({times})")
    return dict(json.loads(said))
