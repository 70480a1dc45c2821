"""`uv run python -m tests.faults.soak [--rows N] [--minutes N] [--times N]`: a large letter under long mixed traffic.

It makes signatures, and then people read the letter, the list and searches, sign, and confirm by the link of the email
that the worker sends, so many times as fast as at the busiest moment of the largest petition. Every minute it prints the
rates that were reached, the slowest answers and the memory of each process; at the end, what was acknowledged and what
is stored. The *control* is one signature of somebody who was acknowledged, deleted: it must be missed.
"""

import argparse
import json
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from tempfile import gettempdir

from tests.faults.drills.drill_site import SLUG, DrillSite
from tests.faults.soak.link_inbox import LinkInbox
from tests.faults.soak.traffic import PEAK, Traffic
from tests.live_site import children_of, command_of

ROW_BYTES, ROOM_BYTES = 1_800, 6_000_000_000  # on disk for one signature with its indexes, and for log and traffic
FREE_BYTES = 5_000_000_000  # below which it ends
_UNSENT = "SELECT count(*) FROM signatures_outboxmail WHERE recipient IS NOT NULL"
_OF_SOAK = "SELECT name FROM signatures_signature WHERE name LIKE 'Soak %'"
_SHOWN = "SELECT count(*) FROM signatures_signature WHERE state = 'approved' OR state = 'waiting' AND flags = '{}'"  # the definition of the public count, over the rows


def memory(site: DrillSite) -> dict[str, int]:
    """Returns the megabytes that the processes of each kind hold for themselves alone."""
    found: Counter[str] = Counter()
    workers = [number for number in site.web.workers if number]
    database = [site.postmaster, *children_of(site.postmaster)]
    for number in {*site.processes(), *database}:
        try:
            status = Path(f"/proc/{number}/status").read_text()
        except OSError:
            continue
        command = command_of(number)
        kind = "database" if number in database else "worker" if " worker" in command else "serve"
        if number in workers:
            kind = f"web {workers.index(number) + 1}"
        own = re.search(r"RssAnon:\s+(\d+) kB", status)
        found[kind] += int(own[1]) // 1024 if own else 0
    return dict(sorted(found.items()))


def soak(site: DrillSite, traffic: Traffic, minutes: float) -> None:
    """Lets people come for so many minutes, and prints how it went in each."""
    stop, begun = threading.Event(), time.monotonic()
    threads = [thread for stream in traffic.streams.values() for thread in stream.start(stop)]
    try:
        while time.monotonic() - begun < minutes * 60:
            minute = time.monotonic()
            time.sleep(min(60.0, max(1.0, begun + minutes * 60 - minute)))
            rates = ", ".join(f"{name} {stream.rate_since(minute):.0f}" for name, stream in traffic.streams.items())
            slow = ", ".join(f"{name} {traffic.streams[name].slowest(minute)}" for name in ("letter", "sign"))
            held = ", ".join(f"{kind} {megabytes}" for kind, megabytes in memory(site).items())
            say(f"{(time.monotonic() - begun) / 60:3.0f} min  {rates} a second; 99 of 100: {slow}; MB: {held}; "
                f"{site.sql(_UNSENT)[0][0]:,} emails wait; load {os.getloadavg()[0]:.1f}")  # fmt: skip
            if shutil.disk_usage(site.folder).free < FREE_BYTES:
                say("the disk is nearly full: it ends here")
                break
    except KeyboardInterrupt:
        say("it was told to end")
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    for name, stream in traffic.streams.items():
        reached = stream.rate_since(begun)
        say(f"{name}: offered {stream.rate:.1f} a second, reached {reached:.1f}; 99 of 100 within {stream.slowest(begun)};"
            f" not good: {dict(stream.failures) or 0}")  # fmt: skip


def lost(site: DrillSite, traffic: Traffic) -> tuple[int, int]:
    """Returns how many acknowledged confirmations and sign-ups are not stored."""
    confirmed = {name for (name,) in site.sql(_OF_SOAK)}
    signed = {name for (name,) in site.sql("SELECT name FROM signatures_submission WHERE name LIKE 'Soak %'")}
    return len(traffic.confirmed - confirmed), len(traffic.signed - confirmed - signed)


def counts_are_exact(site: DrillSite) -> bool:
    """Waits until the site shows the count of the rows, at the next step of time. Returns whether it does."""
    ((rows,),) = site.sql(_SHOWN)
    deadline = time.monotonic() + 8 * 60
    while (
        shown := json.loads(site.get(f"/api/v1/letters/{SLUG}/")[1])["count"]
    ) != rows and time.monotonic() < deadline:
        time.sleep(5)
    say(f"count on the site {shown:,}, in the table {rows:,}")
    say(site.run("reconcile").splitlines()[-1])
    return bool(shown == rows)


def try_it(rows: int, minutes: float, times: float) -> list[str]:
    """Returns what was not as it should be."""
    inbox = LinkInbox()
    with DrillSite.started(inbox=inbox) as site:
        say(site.run("make_signatures", str(rows)).strip() + f"; load {os.getloadavg()[0]:.1f}")
        ((size,),) = site.sql("SELECT pg_size_pretty(pg_database_size(current_database()))")
        say(f"the database takes {size}")
        traffic = Traffic(site, inbox, times)
        site.sql("UPDATE signatures_ratelimit SET max_count = 1000000000")
        with site.worker():
            soak(site, traffic, minutes)
            is_exact = counts_are_exact(site)
        unconfirmed, unsigned = lost(site, traffic)
        broken = sorted({status for stream in traffic.streams.values() for status in stream.failures if status == 500})
        ((stored,),) = site.sql("SELECT count(*) FROM signatures_signature")
        say(f"signed {len(traffic.signed):,}, lost {unsigned}; confirmed {len(traffic.confirmed):,}, lost {unconfirmed}; "
            f"{stored:,} signatures, {rows:,} of them made before")  # fmt: skip
        site.sql("DELETE FROM signatures_signature WHERE name = %s", [next(iter(traffic.confirmed), "")])
        checks = {
            f"answers of {broken}": not broken,
            f"{unconfirmed + unsigned} lost": unconfirmed + unsigned == 0,
            "the counts differ": is_exact,
            f"{stored - rows} stored for {len(traffic.confirmed)} confirmed": stored - rows
            >= len(traffic.confirmed)
            > 0,
            "the control held": lost(site, traffic)[0] == 1,
        }
    return [what for what, holds in checks.items() if not holds]


def say(words: str) -> None:
    print(words, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument(
        "--rows", type=int, default=6_100_000, help="signatures that are there before (default: %(default)s)"
    )
    parser.add_argument("--minutes", type=float, default=30, help="of traffic (default: %(default)s)")
    parser.add_argument("--times", type=float, default=10, help=f"{PEAK} confirmations a second (default: %(default)s)")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the traffic; everything is counted even so
    needed = options.rows * ROW_BYTES + ROOM_BYTES
    if shutil.disk_usage(gettempdir()).free < needed:
        parser.error(f"it needs {needed / 1e9:.0f} GB in {gettempdir()}")
    wrong = try_it(options.rows, options.minutes, options.times)
    for what in wrong:
        say(f"NOT AS IT SHOULD BE: {what}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
