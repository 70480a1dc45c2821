"""Drill 1: all processes of PostgreSQL are killed while people sign."""

import contextlib
import signal
import time
from collections.abc import Iterator

from tests import signals
from tests.faults.drills.drill_site import DrillSite
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import Signers


def kill_database(site: DrillSite) -> float:
    """Kills it. Returns when."""
    signals.send(signal.SIGKILL, site.database_processes)
    return time.monotonic()


def try_it(site: DrillSite, group: str, kills: int, people: int) -> Outcome:
    signers = Signers(site, group)
    killed = []
    with signers.signing():
        for number in range(1, kills + 1):
            signers.wait_for(people * number // kills)
            killed.append(kill_database(site))
        time.sleep(0.5)
        signers.wait_for(len(signers.acknowledged) + 50)
    outcome = signers.outcome(killed)
    outcome.expect_nothing_lost()
    return outcome


def on_site(site: DrillSite, is_short: bool) -> Outcome:
    return try_it(site, "Killed", 3 if is_short else 20, 400 if is_short else 5_000)


@contextlib.contextmanager
def careless_commits(site: DrillSite) -> Iterator[None]:
    """Commits that are acknowledged before they are on the disk, and get there seconds later."""
    site.sql("ALTER SYSTEM SET wal_writer_delay = '10s'")
    site.sql("ALTER SYSTEM SET wal_writer_flush_after = '1GB'")
    site.sql("ALTER DATABASE undersigned SET synchronous_commit = off")
    site.sql("SELECT pg_reload_conf()")
    site.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
    )
    try:
        yield
    finally:
        site.sql("ALTER DATABASE undersigned RESET synchronous_commit")
        site.sql("ALTER SYSTEM RESET ALL")
        site.sql("SELECT pg_reload_conf()")
        site.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
        )


def on_control(site: DrillSite, is_short: bool) -> Outcome:
    with careless_commits(site):
        return try_it(site, "Careless", 1, 150)


DRILL = Drill(1, "PostgreSQL killed", on_site, on_control)
