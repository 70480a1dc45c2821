"""The tree over a million leaves, and how long a receipt takes in a process that has never seen the tree."""

from tests.bench.csvs import inside
from tests.bench.fixture import SLUG, BenchSite
from tests.bench.table import Row


def run(houses: dict[str, BenchSite], *, quick: bool) -> list[Row]:
    house = houses["1m"]
    made = inside(house, f"inside.tree({SLUG!r}, {str(house.folder)!r})")
    found = inside(house, f"inside.receipts_of({SLUG!r}, {10 if quick else 200})")
    size = f"{int(made['leaves']):,}"
    return [
        Row(f"Merkle tree of {size} leaves", made["tree"], "s", None, 60, at_least=False),
        Row("rows and leaves as CSV, and the tree", made["rows"], "s", None, 60, at_least=False),
        Row("memory of it beyond that of the program", made["memory"], "MiB", None, 40, at_least=False),
        Row("a receipt: found and checked, median", found["median"], "ms", None, 50, at_least=False),
        Row("a receipt: 19 of 20 within", found["most"], "ms", None, 50, at_least=False),
        Row(f"verify_delivery of {size} leaves", made["verify"], "s", None, 60, at_least=False),
    ]
