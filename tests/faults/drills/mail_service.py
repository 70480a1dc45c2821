"""Drill 4: the email service hangs, refuses and hangs up. Signing is as fast as before, and all emails get out."""

import math
import time

from tests.faults.drills.drill_site import DrillSite
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import Signers

FAULTS = ("60", "554 mail", "421 mail", "550 rcpt", "451 end", "drop data", "drop connect")
EMPTY_SECONDS = 120.0  # a held outbox is tried once a minute at least
SECONDS_MORE = 1.0  # that 99 of 100 sign-ups may take longer, or three times as long


def limit_for(before: float) -> float:
    return max(before + SECONDS_MORE, before * 3)


def expect_as_fast(outcome: Outcome, before: float, during: float) -> None:
    outcome.note = f"99 of 100 sign-ups within {before:.2f} s before, {during:.2f} s meanwhile; {outcome.note}"
    outcome.expect(
        during <= limit_for(before), f"99 of 100 sign-ups took up to {during:.1f} s, and {before:.1f} s before"
    )


def on_site(site: DrillSite, is_short: bool) -> Outcome:
    people = 30 if is_short else 150
    before, signers = Signers(site, "Before"), Signers(site, "Meanwhile")
    site.empty_outbox()
    site.inbox.recipients.clear()
    with site.worker():
        before.send(people)
        for fault in FAULTS:
            site.inbox.recover()
            site.inbox.begin(fault)
            signers.send(people)
        site.inbox.recover()
        ended, received, first = time.monotonic(), len(site.inbox.recipients), 0.0
        while (left := site.unsent("Meanwhile")) and time.monotonic() - ended < EMPTY_SECONDS:
            first = first or (len(site.inbox.recipients) > received and time.monotonic() - ended) or 0.0
            time.sleep(0.1)
        emptied = time.monotonic() - ended
    everybody = {signers.email_of(int(name.split()[1])) for name in signers.acknowledged}
    outcome = signers.outcome([], f"the outbox was empty after {emptied:.0f} s")
    outcome.expect_nothing_lost()
    outcome.recovery = first
    outcome.faults, outcome.lost = len(FAULTS), len(everybody - set(site.inbox.recipients))
    outcome.expect(outcome.lost == 0, f"{outcome.lost} without an email")
    outcome.expect(outcome.errors == 0, f"{outcome.errors} server errors")
    outcome.expect(left == 0, f"{left} emails are still in the outbox")
    expect_as_fast(outcome, before.slowest, signers.slowest)
    return outcome


def on_control(site: DrillSite, is_short: bool) -> Outcome:
    """The page that takes a sign-up sends an email itself."""
    before, signers = (Signers(site, group, port=site.worse_web.port) for group in ("Prompt", "Waiting"))
    before.send(16)
    site.inbox.begin(str(math.ceil(limit_for(before.slowest)) + 4))
    signers.send(16)
    site.inbox.recover()
    outcome = signers.outcome([])
    outcome.faults = 1
    expect_as_fast(outcome, before.slowest, signers.slowest)
    return outcome


DRILL = Drill(4, "email service away", on_site, on_control)
