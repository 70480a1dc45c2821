"""Drill 3: the worker is killed before the email service has taken an email, and before it has read that it did."""

import signal
import time
from collections import Counter
from pathlib import Path

from tests.faults.drills.drill_site import DrillSite
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import Signers
from tests.prepared import BASE

PATIENCE_SECONDS = 600.0  # until emails that are not sent count as lost, and 15 more for each kill
CONNECTIONS = 4  # emails at a time, so that so many may come twice after one kill; with one connection, one may


def try_it(
    site: DrillSite, group: str, kills: int, people: int, connections: int = CONNECTIONS, folder: Path = BASE
) -> Outcome:
    signers, inbox = Signers(site, group), site.inbox
    site.empty_outbox()
    signers.send(people)
    inbox.recipients.clear()
    inbox.every = inbox.countdown = people // (kills + 1)
    before, killed = inbox.kills, []
    begun = time.monotonic()
    with site.worker(folder, OUTBOX_CONNECTIONS=str(connections)) as worker:
        inbox.victim = worker.process.pid
        while site.unsent(signers.group) and time.monotonic() - begun < PATIENCE_SECONDS + 15 * kills:
            if worker.process.poll() is not None:
                assert worker.process.returncode == -signal.SIGKILL, site.output.read_text()[-2000:]
                killed.append((time.monotonic(), len(inbox.recipients)))
                worker.start()
                inbox.victim = worker.process.pid if inbox.kills - before < kills else 0
            time.sleep(0.05)
    inbox.victim = 0
    received = Counter(inbox.recipients)
    everybody = {signers.email_of(int(name.split()[1])) for name in signers.acknowledged}
    outcome = signers.outcome(
        [], f"{len(inbox.recipients):,} emails in {time.monotonic() - begun:.0f} s, {connections} at a time"
    )
    outcome.expect_nothing_lost()
    outcome.faults, outcome.lost = len(killed), len(everybody - received.keys())
    outcome.doubled = sum(number - 1 for number in received.values())
    outcome.expect(outcome.faults == kills, f"{outcome.faults} kills")
    outcome.expect(outcome.lost == 0, f"{outcome.lost} without an email")
    outcome.note += f", {outcome.doubled} twice after {kills} kills"
    outcome.expect(outcome.doubled <= kills * connections, f"{outcome.doubled} doubled at {connections} a time")
    outcome.expect(received.keys() <= everybody, "an email to somebody else")
    return outcome


def on_site(site: DrillSite, is_short: bool) -> Outcome:
    kills, people = (2, 60) if is_short else (50, 1_000)
    return try_it(site, "Mailed", kills, people) + try_it(site, "Single", kills, people, connections=1)


def on_control(site: DrillSite, is_short: bool) -> Outcome:
    """Emails are marked as sent before they are sent."""
    return try_it(site, "Marked", 1, 40, folder=site.worse_code)


DRILL = Drill(3, "worker killed", on_site, on_control)
