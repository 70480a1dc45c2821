"""Drill 17: clocks that are wrong, and days that are no ordinary ones. The clock of a process is shifted by `faketime`.

While the clock is days ahead or behind, people sign and nobody is lost: nothing is deleted because it is old. By the
right clock a submission goes after seven days and not before. A letter takes signatures to the end of its last day in
its own time zone, also where that day has 23 or 25 hours, or is the 29 February.
"""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from tests.faults.drills.drill_site import SLUG, DrillSite
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import Signers
from tests.prepared import BASE

LIBRARIES = "/usr/lib/*/faketime/libfaketimeMT.so.1"  # Debian's libfaketime
WRONG = ("+25h", "-25h", "+8d", "-8d")
DOUBT = "The clocks of this machine and of the database differ"
DAYS_TO_CONFIRM = 7
A_WHILE = timedelta(minutes=10)
_AGE = "UPDATE signatures_submission SET signed_up_at = now() - interval '{} hours' WHERE name LIKE %s"
_CLOSE = "UPDATE campaign_letter SET closes_at = %s, time_zone = %s WHERE slug = %s"
_MIDNIGHT = """
    (lambda field: [setattr(field, 'zone', ZoneInfo('{}')), field.to_python('{}').isoformat()])(ZonedTimeField())[1]
"""


class LastDay(NamedTuple):
    """A day after which a letter closes: its end as staff type it, the time zone, and the moment that this is."""

    end: str
    zone: str
    moment: datetime


LAST_DAYS = (
    LastDay("2027-03-15T00:00", "America/New_York", datetime(2027, 3, 15, 4, tzinfo=UTC)),  # a day of 23 hours
    LastDay("2027-11-08T00:00", "America/New_York", datetime(2027, 11, 8, 5, tzinfo=UTC)),  # a day of 25 hours
    LastDay("2028-03-01T00:00", "Asia/Seoul", datetime(2028, 2, 29, 15, tzinfo=UTC)),
)


def clock(shift: str) -> dict[str, str]:
    """Returns the environment of a process whose clock is shifted, or begins at a moment of UTC after an @."""
    library = next(Path("/").glob(LIBRARIES.removeprefix("/")), None)
    if library is None:
        raise SystemExit("Drill 17 shifts clocks with Debian's package libfaketime. Install it.")
    return {"LD_PRELOAD": str(library), "FAKETIME": shift, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "TZ": "UTC"}


def prune(site: DrillSite, folder: Path = BASE, shift: str = "+0") -> str:
    """Deletes what is old by this clock, as the worker does each day. Returns why it did not, if so."""
    environment = {**os.environ, **site.environment, **clock(shift)}
    done = subprocess.run(
        [sys.executable, "manage.py", "prune"],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.stderr if done.returncode else ""


def sign_by(site: DrillSite, group: str, shift: str, people: int) -> Signers:
    """So many people sign at a web server with this clock."""
    with site.web_server(BASE, **clock(shift)) as server:
        signers = Signers(site, group, leaving=1, port=server.port)
        signers.send(people)
    return signers


def try_wrong_clocks(site: DrillSite, people: int) -> Outcome:
    total = Outcome()
    for number, shift in enumerate(WRONG):
        signers = sign_by(site, f"Clock{number}", shift, people)
        refusal = prune(site, shift=shift)
        outcome = signers.outcome([], "")
        outcome.faults = 1
        outcome.expect_nothing_lost()
        outcome.expect(
            len(signers.acknowledged) == people, f"{len(signers.acknowledged)} of {people} signed at {shift}"
        )
        outcome.expect(DOUBT in refusal, f"a clock at {shift} was believed: {refusal}")
        total += outcome
    return total


def try_expiry(site: DrillSite) -> Outcome:
    """By the right clock: who signed an hour less than seven days ago is kept, and who did an hour more is not."""
    kept, gone = Signers(site, "Seventh"), Signers(site, "Eighth")
    for signers, hours in ((kept, DAYS_TO_CONFIRM * 24 - 1), (gone, DAYS_TO_CONFIRM * 24 + 1)):
        signers.send(5)
        site.sql(_AGE.format(hours), [f"{signers.group} %"])
    refusal = prune(site)
    outcome, old = kept.outcome([]), gone.outcome([])
    outcome.expect_nothing_lost()
    outcome.expect(not refusal, f"the right clock was not believed: {refusal}")
    outcome.expect(old.lost == len(gone.names), f"{len(gone.names) - old.lost} kept beyond seven days")
    return outcome


def try_last_days(site: DrillSite, people: int) -> Outcome:
    total = Outcome()
    for number, day in enumerate(LAST_DAYS):
        read = site.python("campaign.letters.time_fields", _MIDNIGHT.format(day.zone, day.end).strip())
        total.expect(datetime.fromisoformat(read) == day.moment, f"{day.end} in {day.zone} was read as {read}")
        site.sql(_CLOSE, [day.moment, day.zone, SLUG])
        try:
            before = sign_by(site, f"Before{number}", at(day.moment - A_WHILE), people)
            after = sign_by(site, f"After{number}", at(day.moment + A_WHILE), people)
        finally:
            site.sql(_CLOSE, [None, "UTC", SLUG])
        outcome = before.outcome([])
        outcome.expect_nothing_lost()
        outcome.expect(len(before.acknowledged) == people, f"not everybody signed on the last day before {day.end}")
        refused = dict(after.answers) == {422: people}
        outcome.expect(refused, f"after {day.end} in {day.zone} the answers were {dict(after.answers)}")
        total += outcome
    return total


def at(moment: datetime) -> str:
    return f"@{moment:%Y-%m-%d %H:%M:%S}"


def on_site(site: DrillSite, is_short: bool) -> Outcome:
    people = 10 if is_short else 100
    return try_wrong_clocks(site, people) + try_expiry(site) + try_last_days(site, people)


def on_control(site: DrillSite, is_short: bool) -> Outcome:
    """Every clock is believed: what was typed today is deleted as eight days old."""
    signers = Signers(site, "Believed")
    signers.send(10)
    prune(site, site.worse_code, "+8d")
    outcome = signers.outcome([])
    outcome.faults = 1
    outcome.expect_nothing_lost()
    return outcome


DRILL = Drill(17, "clock wrong", on_site, on_control, is_in_short=False)
