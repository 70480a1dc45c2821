"""`uv run python -m tests.bench.start`: seconds from the start of `serve` to its first answer, when nothing has changed."""

import os
import time

from tests.faults.upgrade import new_code
from tests.live_site import LiveSite, free_port

STARTS = 3


def seconds_to_start(site: LiveSite) -> tuple[float, float]:
    """Starts the site and stops it. Returns the seconds until it was alive, and until its letter was read."""
    began = time.monotonic()
    site.start()
    while site.get("/healthz")[0] != 200:
        time.sleep(0.01)
    alive = time.monotonic() - began
    assert site.get("/")[0] == 200
    read = time.monotonic() - began
    site.stop()
    return alive, read


def report(kind: str, site: LiveSite) -> None:
    times = [seconds_to_start(site) for _each in range(STARTS)]
    alive, read = (sorted(column)[STARTS // 2] for column in zip(*times, strict=True))
    print(f"{kind}: alive after {alive:.1f} s, the letter after {read:.1f} s; best {min(times)[0]:.1f} s", flush=True)


def main() -> None:
    load = os.getloadavg()[0]
    with LiveSite.temporary(free_port(), "--workers", "2") as embedded:
        with new_code(embedded) as other:
            other.stop()
            report("DATABASE_URL", other)
        embedded.stop()
        report("embedded PostgreSQL", embedded)
    print(f"load of the machine: {load:.1f}")


if __name__ == "__main__":
    main()
