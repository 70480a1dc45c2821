"""Drill 7: many sign-ups at once from one network. Those beyond its limit are flagged, and no other."""

import time

from tests.faults.drills.drill_site import MUTANTS, DrillSite, worse_code
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import Signers

LIMIT, CLIENTS = 100, 32
CACHE_SECONDS = 10.0  # how long a process keeps the limits (`rate_limits.CACHE_SECONDS`)
_UNFLAGGED = "SELECT count(*) FROM signatures_submission WHERE name LIKE %s AND NOT 'rate' = ANY (flags)"


def try_it(site: DrillSite, group: str, network: str, people: int, port: int = 0) -> Outcome:
    site.sql("UPDATE signatures_ratelimit SET max_count = %s WHERE scope = 'network'", [LIMIT])
    try:
        time.sleep(CACHE_SECONDS)  # until every process knows
        signers = Signers(site, group, port=port, network=network)
        signers.send(people, CLIENTS)
    finally:
        site.sql("UPDATE signatures_ratelimit SET max_count = 1000000 WHERE scope = 'network'")
    ((within,),) = site.sql(_UNFLAGGED, [f"{group} %"])
    outcome = signers.outcome([], f"{within} within a limit of {LIMIT}")
    outcome.expect_nothing_lost()
    outcome.expect(within == LIMIT, f"{within} within a limit of {LIMIT}")
    return outcome


def on_site(site: DrillSite, is_short: bool) -> Outcome:
    return try_it(site, "Limited", "127.251.1.1", 400 if is_short else 800)


def on_control(site: DrillSite, is_short: bool) -> Outcome:
    """The count is read and then written."""
    with worse_code(MUTANTS / "06-limiter-read-then-write.patch") as folder, site.web_server(folder) as web:
        return try_it(site, "Unlimited", "127.252.1.1", 400, web.port)


DRILL = Drill(7, "sign-ups at a limit", on_site, on_control)
