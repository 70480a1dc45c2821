"""Drill 10: readers and sign-ups as many as there is time for, and slow connections, while one honest person signs."""

import re
import subprocess
import time

from tests.faults import stalled
from tests.faults.drills.drill_site import DrillSite
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import Signers
from tests.faults.honest_signer import sign_up
from tests.faults.parallel_logins import MAX_MEGABYTES, peak_megabytes, processes_of

READERS = 16
MAX_SECONDS = 2.0  # for an honest sign-up
_SLOWEST = re.compile(r"99%\s+([\d.]+)(us|ms|s)\b")
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


def try_it(site: DrillSite, group: str, seconds: int, port: int) -> Outcome:
    signers = Signers(site, group, port=port, network="127.253.1.1")
    signers.leaving = 1  # who floods does not wait
    reading = ["wrk", "-t1", f"-c{READERS}", f"-d{seconds}s", "--latency", signers.letter]
    honest: list[float] = []
    sign_up(signers.letter)
    with stalled.slow_bodies(site, port), signers.signing():
        wrk = subprocess.Popen(reading, stdout=subprocess.PIPE, text=True)
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            honest.append(sign_up(signers.letter))
            time.sleep(0.5)
        said = wrk.communicate()[0]
    found = _SLOWEST.search(said)
    reads = float(found[1]) * _UNITS[found[2]] if found else float("inf")
    memory = peak_megabytes(site.web_processes() if port == site.port else processes_of(port))
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    outcome = signers.outcome([])
    outcome.note = (
        f"{rate[1] if rate else 0} reads/s, 99 of 100 within {reads:.2f} s; {len(signers.acknowledged) / seconds:.0f} sign-ups/s;"
        f" {len(honest)} honest ones within {max(honest):.2f} s; at most {memory} MB"
    )
    outcome.expect(outcome.lost + outcome.doubled + outcome.half == 0, "something was lost")
    outcome.expect(max(honest) <= MAX_SECONDS, f"an honest sign-up took {max(honest):.1f} s")
    outcome.expect(reads <= MAX_SECONDS, f"99 of 100 reads took {reads:.1f} s")
    outcome.expect(memory <= MAX_MEGABYTES, f"{memory} MB")
    outcome.expect(outcome.errors == 0, f"{outcome.errors} server errors")
    return outcome


def on_site(site: DrillSite, is_short: bool) -> Outcome:
    return try_it(site, "Flood", 10 if is_short else 300, site.port)


def on_control(site: DrillSite, is_short: bool) -> Outcome:
    """A plain WSGI server, on which a slow connection holds a thread."""
    with stalled.control(site) as port:
        return try_it(site, "Stalled", 10, port)


DRILL = Drill(10, "flood", on_site, on_control, is_in_short=False)
