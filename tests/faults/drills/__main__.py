"""`uv run python -m tests.faults.drills [--short] [NAME …]`: breaks a running site on purpose, and prints what was lost.

Each drill is tried on the site, where all must hold, and on a *control*, which must fail, or the drill proves nothing.
All of it stays on this machine and ends by itself.
"""

import argparse
import sys
import time
from contextlib import AbstractContextManager

from tests.faults.drills import (
    answer_times,
    answers_cut,
    audit_changed,
    clock_wrong,
    database_away,
    database_killed,
    disk_read_only,
    flood,
    full_disk,
    leaks,
    limiter_race,
    links_scanned,
    mail_bomb,
    mail_service,
    many_bots,
    odd_requests,
    one_effect,
    restored,
    sequences,
    web_killed,
    worker_killed,
)
from tests.faults.drills.drill_site import DrillSite
from tests.faults.drills.outcome import COLUMNS, Drill, Outcome

DRILLS = [
    module.DRILL
    for module in (
        database_killed, web_killed, worker_killed, mail_service, answers_cut, one_effect, limiter_race, database_away,
        full_disk, disk_read_only, flood, mail_bomb, many_bots, odd_requests, restored, links_scanned,
        audit_changed, sequences, leaks, clock_wrong, answer_times,
    )
]  # fmt: skip
TRIES = 3  # on the site, where nothing was wrong but the time that it took: a machine may stand still for a moment
WIDTHS = (7, 12, 8, 6, 8, 6, 6, 7, 9)


def line(cells: list[str]) -> str:
    return " ".join(cell.rjust(width) for cell, width in zip(cells, WIDTHS, strict=True))


def show[Site: DrillSite](drill: Drill[Site], server: str, outcome: Outcome, seconds: float) -> None:
    said = "held" if not outcome.wrong else f"FAILED: {'; '.join(outcome.wrong)}"
    print(f"{drill.number:2} {drill.title:24} {server:8} {line(outcome.cells)}  {seconds:4.0f} s  {said}", flush=True)
    if outcome.note:
        print(f"{'':36} {outcome.note}", flush=True)


def run[Site: DrillSite](site: Site, drills: list[Drill[Site]], *, is_short: bool) -> list[str]:
    """Tries the drills, and prints their figures. Returns what was not as it should be."""
    wrong: list[str] = []
    acknowledged = lost = 0
    for drill in drills:
        for _each in range(TRIES):
            begun = time.monotonic()
            outcome = drill.on_site(site, is_short)
            show(drill, "site", outcome, time.monotonic() - begun)
            acknowledged, lost = acknowledged + outcome.acknowledged, lost + outcome.lost
            if not outcome.is_only_late:
                break
        wrong += [f"{drill.title}: {what}" for what in outcome.wrong]
        if drill.on_control:
            begun = time.monotonic()
            control = drill.on_control(site, is_short)
            show(drill, "control", control, time.monotonic() - begun)
            wrong += [] if control.wrong else [f"{drill.title}: the control held"]
    print(f"on the site: {lost:,} lost of {acknowledged:,} acknowledged")
    return wrong


def run_all[Site: DrillSite](
    started: AbstractContextManager[Site], drills: list[Drill[Site]], *, is_short: bool
) -> int:
    """Tries the drills on a site. Returns the exit code."""
    begun = time.monotonic()
    print(f"{'':36} {line(list(COLUMNS))}")
    with started as site:
        wrong = run(site, drills, is_short=is_short)
    print(f"{len(drills)} drills in {time.monotonic() - begun:.0f} s")
    for what in wrong:
        print(f"NOT AS IT SHOULD BE: {what}")
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.drills", description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer people and faults")
    parser.add_argument("names", nargs="*", metavar="NAME", help="numbers, or parts of titles (default: all)")
    options = parser.parse_args()
    drills = [
        drill
        for drill in DRILLS
        if any(is_named(drill, name) for name in options.names)
        or (not options.names and (drill.is_in_short or not options.short))
    ]
    return run_all(DrillSite.started(), drills, is_short=options.short)


def is_named[Site: DrillSite](drill: Drill[Site], name: str) -> bool:
    return name == str(drill.number) or (not name.isdecimal() and name.lower() in drill.title.lower())


if __name__ == "__main__":
    sys.exit(main())
