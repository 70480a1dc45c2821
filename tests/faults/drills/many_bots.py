"""Drill 12: bots of nine campaigns among honest people. Flags find them, few actions of staff remove them, undo is exact.

It is the spam simulation on a database of its own, because 36 hours pass in it: everybody signs and confirms through
the real views, on a simulated clock.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.drills.drill_site import DrillSite
from tests.faults.drills.outcome import Drill, Outcome
from tests.prepared import BASE

MAX_SECONDS = 3_000


def try_it(site: DrillSite, seeds: list[int], *options: str) -> Outcome:
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="us-bots-") as folder, site.output.open("ab") as out:
        figures = Path(folder) / "figures.json"
        words = ["--figures", str(figures), *options, "--seeds", *map(str, seeds)]
        command = [sys.executable, "-m", "tests.faults.spam_simulation", *words]
        subprocess.run(command, cwd=BASE, stdout=out, stderr=out, timeout=MAX_SECONDS, check=False)
        report = json.loads(figures.read_text())
    found = report["seeds"]  # the `Figures` of each
    recall = ", ".join(f"{run['recall']:.1%}" for run in found)
    quiet = ", ".join(f"{run['recall_of_quiet']:.1%}" for run in found)
    honest = ", ".join(f"{run['false_positives']:.1%}" for run in found)
    actions = max(run["actions"] for run in found)
    return Outcome(
        sent=sum(run["bots"] + run["honest"] for run in found),
        acknowledged=sum(run["stored"] for run in found),
        faults=sum(run["bots"] for run in found),
        note=f"flagged: {recall} of the bots, {honest} of the honest, {quiet} of those like people; {actions} actions "
        f"of staff, undone; names of one person without a flag: {report['one_person']}; {time.monotonic() - begun:.0f} s",
        wrong=report["wrong"],
    )


def on_site(site: DrillSite, is_short: bool) -> Outcome:
    return try_it(site, [1] if is_short else [1, 2, 3])


def on_control(site: DrillSite, is_short: bool) -> Outcome:
    """Nothing is flagged."""
    return try_it(site, [1], "--without-flags")


DRILL = Drill(12, "bots among people", on_site, on_control, is_in_short=False)
