"""`uv run python -m tests.faults.cluster [--short] [NAME …]`: breaks a site on several machines while people sign.

The machines are network namespaces of this one: it needs root, PgBouncer, Redis and nginx. It ends by itself.
"""

import argparse
import sys

from tests.faults.cluster.cluster_site import Cluster
from tests.faults.cluster.machines_away import DRILLS as MACHINES
from tests.faults.cluster.stalled_database import DRILLS as STALLED
from tests.faults.drills.__main__ import is_named, run_all


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.cluster", description=__doc__)
    parser.add_argument("--short", action="store_true", help="each fault once, and for a shorter time")
    parser.add_argument("names", nargs="*", metavar="NAME", help="numbers, or parts of titles (default: all)")
    options = parser.parse_args()
    drills = [
        drill
        for drill in (*MACHINES, *STALLED)
        if not options.names or any(is_named(drill, name) for name in options.names)
    ]
    return run_all(Cluster.running(), drills, is_short=options.short)


if __name__ == "__main__":
    sys.exit(main())
