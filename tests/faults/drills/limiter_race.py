"""Drill 7: many sign-ups at once from one network. Those beyond its limit are flagged, and no other."""

import time

from tests.faults.drills.drill_site import NETWORK_LIMIT, DrillSite
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import Signers

CLIENTS = 32
SPAN_SECONDS, ROOM_SECONDS = 600, 120  # of the limit, and of such a span for all of them
_UNFLAGGED = "SELECT count(*) FROM signatures_submission WHERE name LIKE %s AND NOT 'rate' = ANY (flags)"


def try_it(site: DrillSite, group: str, network: str, people: int, port: int = 0) -> Outcome:
    signers = Signers(site, group, port=port, network=network)
    if (left := -time.time() % SPAN_SECONDS) < ROOM_SECONDS:  # else two spans would share the count
        time.sleep(left)
    signers.send(people, CLIENTS)
    ((within,),) = site.sql(_UNFLAGGED, [f"{signers.group} %"])
    outcome = signers.outcome([], f"{within} within a limit of {NETWORK_LIMIT}")
    outcome.expect_nothing_lost()
    outcome.expect(within == NETWORK_LIMIT, f"{within} within a limit of {NETWORK_LIMIT}")
    return outcome


def on_site(site: DrillSite, is_short: bool) -> Outcome:
    return try_it(site, "Limited", "127.251.1.1", 400 if is_short else 800)


def on_control(site: DrillSite, is_short: bool) -> Outcome:
    """The count is read and then written."""
    return try_it(site, "Unlimited", "127.252.1.1", 400, site.worse_web.port)


DRILL = Drill(7, "sign-ups at a limit", on_site, on_control)
