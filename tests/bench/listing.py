"""The public list: the time of each kind of page of ten thousand and of a million names, in all and in the database.

With `large-list` the same of three million, which takes a quarter of an hour to make; with `list-load` the pages that
the site answers in a second, none of them from memory.
"""

import json
import os
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.fixture import BenchSite
from tests.bench.load import Load, write_addresses
from tests.bench.table import Row, say

MAX_MS, MAX_RATIO = 50, 1.5
MIN_A_SECOND = 300
ROUNDS = 3
MOST_A_SECOND = 2_000  # addresses are made for so many
TICKS = os.sysconf("SC_CLK_TCK")
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


def run_large(sites: dict[str, BenchSite], *, quick: bool) -> list[Row]:
    rows = []
    for page, took in result(sites["5m"], 2 if quick else 15).items():
        database, processor, _whole = zip(*took, strict=True)
        say(f"  {page}, database p50 and p95 in ms: {statistics.median(database):.1f}, {p95(database):.1f}")
        # Of the processor, because the target is the work of the database and not who else uses this machine.
        figure = statistics.median(processor)
        rows.append(
            Row(f"list of 5 M, {page}: processor of the database p50", figure, "ms", None, MAX_MS, at_least=False)
        )
    return rows


def run_load(sites: dict[str, BenchSite], *, quick: bool) -> list[Row]:
    site, seconds, rounds = sites["100k-public"], *((1, 1) if quick else (4, ROUNDS))
    number = 500 if quick else MOST_A_SECOND * seconds * rounds
    said = site.manage("shell", "-v0", "-c", f"from tests.bench import lists; lists.many({number})")
    rows = []
    for place, (page, addresses) in enumerate(json.loads(said).items()):
        load = Load(site.url, lines=write_addresses(site.folder / f"list-{place}.txt", addresses))
        before = processor_seconds(site)
        rates = [load.run(seconds) for _turn in range(rounds)]
        used = 1000 * (processor_seconds(site) - before) / load.answered
        say(f"  {page}: {', '.join(f'{rate:.0f}' for rate in rates)} a second; {used:.1f} ms of processors a page")
        figure = statistics.median(rates)
        rows.append(
            Row(
                f"list, {page}, not from memory", figure, "req/s", None, MIN_A_SECOND, at_least=True, faults=load.faults
            )
        )
    return rows


def processor_seconds(site: BenchSite) -> float:
    """Returns the processor time of the site so far: of its web processes and its database."""
    postmaster = int((site.folder / "postgres" / "postmaster.pid").read_text().split()[0])
    return sum(map(ticks, {*descendants(site.process.pid), *descendants(postmaster)})) / TICKS


def descendants(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from descendants(int(child))


def ticks(pid: int) -> int:
    """Returns the ticks of a process and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15]))


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
