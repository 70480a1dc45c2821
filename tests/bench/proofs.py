"""The tree over a million leaves, and the time of a receipt in a process that did not build the tree."""

from tests.bench.csvs import inside
from tests.bench.fixture import SLUG, BenchSite
from tests.bench.table import Row


def run(sites: dict[str, BenchSite], *, quick: bool) -> list[Row]:
    site = sites["1m"]
    made = inside(site, f"inside.tree({SLUG!r}, {str(site.folder)!r})")
    found = inside(site, f"inside.receipts_of({SLUG!r}, {10 if quick else 200})")
    size = f"{int(made['leaves']):,}"
    return [
        Row(f"Merkle tree of {size} leaves", made["tree"], "s", None, 60, at_least=False),
        Row("freezing, statement and package without the letter", made["seconds"], "s", None, 100, at_least=False),
        Row("freezing alone", made["freeze"], "s", None, 60, at_least=False),
        Row("rows and leaves as CSV, and the tree", made["rows"], "s", None, 60, at_least=False),
        Row("memory of all that beyond the program itself", made["memory"], "MiB", None, 200, at_least=False),
        Row("a receipt: found and checked, median", found["median"], "ms", None, 50, at_least=False),
        Row("a receipt: 19 of 20 within", found["most"], "ms", None, 50, at_least=False),
        Row(f"verify_delivery of {size} leaves", made["verify"], "s", None, 60, at_least=False),
    ]
