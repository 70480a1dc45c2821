"""`uv run python -m tests.bench [--quick] [NAME …]`: measures the site against what its parts could do, as ratios.

Every base is measured in the same run, in alternation with the site, on this machine, by the load generator `wrk`
(Debian package `wrk`). The sites are made in a temporary folder and deleted afterwards.
Read the ratios, not the numbers: load generator, server and database share the processors.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import django

from campaign.runtime.environment import NAMES

ROOT = Path(tempfile.mkdtemp(prefix="us-b-"))
# Independent of the operator's settings and `.env`. This process itself uses the site of 100,000.
os.environ |= dict.fromkeys(NAMES, "") | {
    "LOCAL": "True",
    "DJANGO_SETTINGS_MODULE": "campaign.settings",
    "VAR_DIR": str(ROOT / "100k"),
    "DEBUG": "False",
    "ADMIN_PATH": "admin/",
    "TRUSTED_PROXIES": "0",
    "RETENTION_MONTHS": "12",
    "COUNT_STEP_MINUTES": "0",
}
os.environ.pop("OUTBOX_PRIVATE_KEY_FILE", None)
django.setup()

from tests.bench import (  # noqa: E402  # after django.setup()
    admin,
    checking,
    clusters,
    commits,
    confirming,
    csvs,
    listing,
    mirrors,
    pages,
    papers,
    pdfs,
    phone,
    proofs,
    signing,
)
from tests.bench.fixture import BenchSite  # noqa: E402  # after django.setup()
from tests.bench.table import Row, say, show  # noqa: E402  # after django.setup()

BENCHES = {
    "pages": pages.run,
    "sign": signing.run,
    "commits": commits.run,
    "confirm": confirming.run,
    "csv": csvs.run,
    "pdf": pdfs.run,
    "admin": admin.run,
    "list": listing.run,
    "list-load": listing.run_load,
    "large-list": listing.run_large,
    "paper": papers.run,
    "proof": proofs.run,
    "mirror": mirrors.run,
    "check": checking.run,
    "phone": phone.run,
    "clusters": clusters.run,
}
WITHOUT_LOAD = {"csv", "pdf", "admin", "list", "large-list", "paper", "mirror", "check", "phone", "clusters"}
# All but `check` have sites of their own.
WITHOUT_SITE = {"list", "list-load", "large-list", "mirror", "check", "phone", "clusters"}
ONLY_BY_NAME = {"large-list", "clusters"}
NAMED, PUBLIC = 1.37, 1.62  # rows for one signature that is named in the delivery, or public
SITES = {"1k": 1_000 * NAMED, "100k": 100_000 * NAMED, "1m": 1_000_000 * NAMED}
SITES_OF_THE_LIST = {"10k-public": 10_000 * PUBLIC, "1m-public": 1_000_000 * PUBLIC}
SITES_OF_THE_MIRROR = {"100k-public": 100_000 * PUBLIC, "290k-public": 290_000 * PUBLIC}
SITES_OF_OTHERS: dict[str, dict[str, float]] = {
    "list": SITES_OF_THE_LIST,
    "list-load": {"100k-public": SITES_OF_THE_MIRROR["100k-public"]},
    "large-list": {"5m": 5_000_000},
    "mirror": SITES_OF_THE_MIRROR,
    "phone": {"1k": SITES["1k"]},
    "clusters": {clusters.SITE: 1_000_000},
}
QUICK = {
    "1k": 270,
    "100k": 2_700,
    "1m": 5_500,
    "10k-public": 2_000,
    "1m-public": 5_500,
    "100k-public": 2_000,
    "290k-public": 3_500,
    "5m": 5_500,
    clusters.SITE: 5_500,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"some of: {', '.join(BENCHES)} (default: all but {', '.join(sorted(ONLY_BY_NAME))})",
    )
    parser.add_argument(
        "--quick", action="store_true", help="small and short, to see that it runs; its ratios mean nothing"
    )
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHES):
        parser.error(f"there is no bench {', '.join(sorted(unknown))}")
    names = options.names or [name for name in BENCHES if name not in ONLY_BY_NAME]
    if set(names) - WITHOUT_LOAD and shutil.which("wrk") is None:
        parser.error("the load generator wrk is missing: apt-get install wrk")
    started = time.monotonic()
    rows: list[Row] = []
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, ROOT, ignore_errors=True)
        sizes: dict[str, float] = dict(SITES) if set(names) - WITHOUT_SITE else {}
        for name in names:
            sizes |= SITES_OF_OTHERS.get(name, {})
        sites = {
            name: stack.enter_context(BenchSite(ROOT / name, QUICK[name] if options.quick else int(size)))
            for name, size in sizes.items()
        }
        for name in names:
            say(f"{name} …")
            rows += BENCHES[name](sites, quick=options.quick)
    show(rows)
    say(f"{time.monotonic() - started:.0f} s")
    return 0 if options.quick or all(row.reached for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
