"""Drill 18: email scanners open every link, by GET and by HEAD."""

from concurrent.futures import ThreadPoolExecutor

from tests.faults.drills.drill_site import DrillSite
from tests.faults.drills.http_answers import fetch
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import CLIENTS, Signers

AGENTS = ("Mozilla/5.0 SafeLinks", "GoogleImageProxy", "Barracuda Sentinel", "Proofpoint URL Defense")
_KEYS = "SELECT public_id::text FROM signatures_submission WHERE name LIKE %s"
_CONFIRMED = "SELECT count(*) FROM signatures_signature WHERE name LIKE %s"


def try_it(site: DrillSite, group: str, links: int, port: int) -> Outcome:
    signers = Signers(site, group)
    signers.send(links)
    paths = site.personal_pages([key for (key,) in site.sql(_KEYS, [f"{group} %"])])
    work = [
        (f"http://127.0.0.1:{port}{path}", method, AGENTS[number % len(AGENTS)])
        for number, path in enumerate(paths)
        for method in ("GET", "HEAD")
    ]
    with ThreadPoolExecutor(CLIENTS) as pool:
        statuses = list(pool.map(lambda one: fetch(one[0], one[1], User_Agent=one[2], Sec_Purpose="prefetch"), work))
    ((confirmed,),) = site.sql(_CONFIRMED, [f"{group} %"])
    outcome = signers.outcome([], f"{len(work):,} requests for {len(paths):,} links, {confirmed:,} confirmed")
    outcome.expect_nothing_lost()
    outcome.errors += sum(1 for status in statuses if status >= 500)
    outcome.faults = len(work)
    outcome.expect(set(statuses) == {200}, f"answers {sorted(set(statuses))}")
    outcome.expect(confirmed == 0, f"{confirmed} confirmed")
    return outcome


def on_site(site: DrillSite, is_short: bool) -> Outcome:
    return try_it(site, "Scanned", 100 if is_short else 1_000, site.port)


def on_control(site: DrillSite, is_short: bool) -> Outcome:
    """Opening the link confirms."""
    return try_it(site, "Opened", 30, site.worse_web.port)


DRILL = Drill(18, "links opened by scanners", on_site, on_control)
