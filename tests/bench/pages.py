"""The letter page with many readers at once."""

from tests.bench.fixture import BenchSite
from tests.bench.load import Load
from tests.bench.table import Row, alternate


def run(sites: dict[str, BenchSite], *, quick: bool) -> list[Row]:
    seconds, rounds = (1, 1) if quick else (4, 5)
    with sites["100k"].yardstick() as bare:
        loads = {"bare view": Load(bare + "/", 32)} | {name: Load(sites[name].letter, 32) for name in ("1k", "1m")}
        for load in loads.values():
            load.run(1)
        found = alternate({name: lambda load=load: load.run(seconds) for name, load in loads.items()}, rounds)  # type: ignore[misc]
    faults = [fault for load in loads.values() for fault in load.faults]
    return [
        Row(
            "letter page, cached / bare view of the same bytes",
            found["1k"],
            "req/s",
            found["bare view"],
            0.85,
            at_least=True,
            faults=faults,
        ),
        Row("letter page at 1 M / at 1 k", found["1m"], "req/s", found["1k"], 0.95, at_least=True, faults=faults),
    ]
