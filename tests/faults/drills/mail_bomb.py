"""Drill 11: thousands of other people's addresses are typed in. Emails stay within the budget, and staff hear of it."""

import time

from tests.faults.drills.drill_site import DrillSite
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import Signers

BUDGET = 50  # emails of the whole site, for longer than the drill lasts
HOUR = 3600
ALARM_SECONDS, CALM_SECONDS = 150.0, 10.0  # until the alarm is there; after it, in which nothing else may go out
_ALARM = "SELECT count(*) FROM signatures_alarm WHERE code = 'mail' AND until > now()"
_SET_BUDGET = "UPDATE signatures_ratelimit SET max_count = %s, seconds = seconds + %s WHERE scope = 'mail'"


def try_it(site: DrillSite, group: str, people: int, budget: int) -> Outcome:
    signers, inbox = Signers(site, group), site.inbox
    site.empty_outbox()
    signers.send(people)
    inbox.recipients.clear()
    site.sql("DELETE FROM signatures_alarm WHERE code = 'mail'")
    site.sql("DELETE FROM signatures_ratebucket WHERE scope = 'mail'")
    site.sql(_SET_BUDGET, [budget, HOUR])
    begun, alarmed = time.monotonic(), 0.0
    try:
        with site.worker():
            while site.unsent(group) and not alarmed and time.monotonic() - begun < ALARM_SECONDS:
                time.sleep(0.2)
                alarmed = time.monotonic() - begun if site.sql(_ALARM)[0][0] else 0.0
            time.sleep(CALM_SECONDS)
    finally:
        site.sql(_SET_BUDGET, [1_000_000, -HOUR])
    bombed = [address for address in inbox.recipients if address.startswith(group.lower())]
    outcome = signers.outcome([], f"{len(bombed)} emails at a budget of {BUDGET}; an alarm after {alarmed:.0f} s")
    outcome.expect_nothing_lost()
    outcome.faults, outcome.lost = people, len(signers.acknowledged) - len(bombed) - site.unsent(group)
    outcome.expect(outcome.lost == 0, f"{outcome.lost} emails neither sent nor waiting")
    outcome.expect(0 < len(bombed) <= BUDGET, f"{len(bombed)} emails at a budget of {BUDGET}")
    outcome.expect(alarmed > 0, "no alarm")
    return outcome


def on_site(site: DrillSite, is_short: bool) -> Outcome:
    return try_it(site, "Bombed", 200 if is_short else 5_000, BUDGET)


def on_control(site: DrillSite, is_short: bool) -> Outcome:
    """There is no budget."""
    return try_it(site, "Unbudgeted", 100, 1_000_000)


DRILL = Drill(11, "emails to strangers", on_site, on_control, is_in_short=False)
