"""Sign-ups, each with an email address of its own."""

import itertools
from collections.abc import Iterator

from tests.bench import yardstick_table
from tests.bench.fixture import SLUG, BenchSite
from tests.bench.load import Load, write_lines
from tests.bench.table import Row, alternate

FASTEST = 8_000  # sign-ups per second; no machine is faster


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


def run(sites: dict[str, BenchSite], *, quick: bool) -> list[Row]:
    seconds, rounds = (1, 1) if quick else (4, 5)
    number = int(FASTEST * (seconds + 1) * rounds)
    large = sites["100k"]
    yardstick_table.make(large)
    with large.yardstick() as bare, large.beside("unchecked") as unchecked:
        addresses = {
            "bare insert": (f"{bare}/insert", {}),
            "without checks": (f"{unchecked}/letters/{SLUG}/sign/", large.form()),
        } | {name: (sites[name].letter + "sign/", sites[name].form()) for name in ("1k", "100k")}
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
        unconfirmed = "SELECT count(*) FROM signatures_submission"
        before = large.sql(unconfirmed)[0][0]
        for load in loads.values():
            load.run(1)
        found = alternate({name: lambda load=load: load.run(seconds) for name, load in loads.items()}, rounds)  # type: ignore[misc]
        signed_up = large.sql(unconfirmed)[0][0] - before
    faults = [fault for load in loads.values() for fault in load.faults]
    if signed_up < loads["100k"].answered + loads["without checks"].answered:
        faults.append(f"{loads['100k'].answered} responses, but {signed_up} rows")
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
            "sign POST with rate limits and screening / without",
            found["100k"],
            "req/s",
            found["without checks"],
            0.75,
            at_least=True,
            faults=faults,
        ),
    ]
