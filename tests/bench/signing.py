"""People sign: every one with a mailbox of their own."""

import itertools
from collections.abc import Iterator

from tests.bench import yardstick_table
from tests.bench.fixture import SLUG, BenchSite
from tests.bench.load import Load, write_lines
from tests.bench.table import Row, turn_about

FASTEST = 8_000  # sign-ups a second that no machine of today passes


def posts(name: str, path: str, hidden: dict[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    for number in itertools.count():
        yield (
            path,
            {
                "kind": "person",
                "name": f"Jürgen Müller-{number}",
                "role": "Teacher",
                "organization": "",
                "country": "DE",
                "visibility": "public",
                "comment": "",
                "consent": "on",
                "email": f"signer.{number}@{name}.example.org",
                "website": "",
                "seconds": "40",
                **hidden,
            },
        )


def run(houses: dict[str, BenchSite], *, quick: bool) -> list[Row]:
    seconds, rounds = (1, 1) if quick else (4, 5)
    number = int(FASTEST * (seconds + 1) * rounds)
    large = houses["100k"]
    yardstick_table.make(large)
    with large.yardstick() as bare, large.beside("unchecked") as unchecked:
        addresses = {
            "bare insert": (f"{bare}/insert", {}),
            "without checks": (f"{unchecked}/letters/{SLUG}/sign/", large.form()),
        } | {name: (houses[name].letter + "sign/", houses[name].form()) for name in ("1k", "100k")}
        loads = {
            name: Load(
                url,
                lines=write_lines(
                    large.folder / f"sign-{name}.txt",
                    itertools.islice(posts(name.replace(" ", "-"), url, hidden), number),
                ),
            )
            for name, (url, hidden) in addresses.items()
        }
        unconfirmed = "SELECT count(*) FROM signatures_signature WHERE state = 'unconfirmed'"
        before = large.sql(unconfirmed)[0][0]
        for load in loads.values():
            load.run(1)
        found = turn_about({name: lambda load=load: load.run(seconds) for name, load in loads.items()}, rounds)  # type: ignore[misc]
        there = large.sql(unconfirmed)[0][0] - before
    faults = [fault for load in loads.values() for fault in load.faults]
    if there < loads["100k"].answered + loads["without checks"].answered:
        faults.append(f"{loads['100k'].answered} answers of ours, but {there} rows")
    return [
        Row(
            "sign POST at 100 k / bare insert view",
            found["100k"],
            "req/s",
            found["bare insert"],
            0.25,
            at_least=True,
            faults=faults,
        ),
        Row("sign POST at 100 k / at 1 k", found["100k"], "req/s", found["1k"], 0.8, at_least=True, faults=faults),
        Row(
            "sign POST with limits and suspicion / without",
            found["100k"],
            "req/s",
            found["without checks"],
            0.75,
            at_least=True,
            faults=faults,
        ),
    ]
