"""The results of a bench, and their table."""

import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One target: ours against its base, or against a fixed limit if there is no base."""

    work: str
    ours: float
    unit: str
    base: float | None
    limit: float
    at_least: bool
    faults: list[str] = field(default_factory=list)

    @property
    def value(self) -> float:
        return self.ours if self.base is None else self.ours / self.base

    @property
    def reached(self) -> bool:
        return not self.faults and (self.value >= self.limit if self.at_least else self.value <= self.limit)


def show(rows: list[Row]) -> None:
    lines = [("work", "ours", "base", "ratio", "target", "")]
    for row in rows:
        sign, unit = "≥" if row.at_least else "≤", row.unit
        base = "" if row.base is None else f"{row.base:,.4g} {unit}"
        ratio = "" if row.base is None else f"{row.value:.2f}"
        target = f"{sign} {row.limit:g}" + ("" if row.base is not None else f" {unit}")
        verdict = "; ".join(row.faults) or ("reached" if row.reached else "MISSED")
        lines.append((row.work, f"{row.ours:,.4g} {unit}", base, ratio, target, verdict))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        first, *others = (
            cell.ljust(width) if place in {0, 5} else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        print("  ".join([first, *others]).rstrip())


def alternate(runs: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Returns the median of each, measured in alternation, so that a slow minute of the machine affects all."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds):
        for name in list(runs) if turn % 2 == 0 else reversed(list(runs)):
            found[name].append(runs[name]())
    for name, results in found.items():
        say(f"  {name}: " + ", ".join(f"{result:,.4g}" for result in results))
    return {name: statistics.median(results) for name, results in found.items()}


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
