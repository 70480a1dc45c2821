"""Drill 8: PostgreSQL is stopped, has no connection left, and has locked the table, while people sign and read."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack

import psycopg2

from tests.faults.drills.drill_site import DrillSite
from tests.faults.drills.http_answers import fetch
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import Signers

_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> ALL (%s) AND datname IS NOT NULL"


@contextlib.contextmanager
def no_connection_left(site: DrillSite) -> Iterator[None]:
    """All connections that the server allows are taken; those of the site are ended first."""
    with ExitStack() as stack:
        first = stack.enter_context(contextlib.closing(site.connect()))
        taken = [first.info.backend_pid]
        for _round in range(3):  # some come back at once
            with first.cursor() as cursor:
                cursor.execute(_OTHERS, [taken])
            with contextlib.suppress(psycopg2.OperationalError):
                while True:
                    taken.append(stack.enter_context(contextlib.closing(site.connect())).info.backend_pid)
        yield


@contextlib.contextmanager
def locked_table(site: DrillSite) -> Iterator[None]:
    with contextlib.closing(site.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE signatures_submission IN ACCESS EXCLUSIVE MODE")
        yield


FAULTS: list[Callable[[DrillSite], AbstractContextManager[None]]] = [
    DrillSite.without_database,
    no_connection_left,
    locked_table,
]


def try_it(
    site: DrillSite,
    group: str,
    seconds: float,
    faults: list[Callable[[DrillSite], AbstractContextManager[None]]],
    port: int = 0,
) -> Outcome:
    signers = Signers(site, group, port=port)
    ended: list[float] = []
    letters: Counter[int] = Counter()
    stop = threading.Event()

    def read() -> None:
        while not stop.wait(0.1):
            letters[fetch(signers.letter)] += 1

    reader = threading.Thread(target=read)
    with signers.signing():
        signers.wait_for(20)
        reader.start()
        for fault in faults:
            with fault(site):
                time.sleep(seconds)
            ended.append(time.monotonic())
            signers.wait_for(len(signers.acknowledged) + 20)
        stop.set()
        reader.join()
    others = {status: number for status, number in signers.answers.items() if status not in {0, 303, 503}}
    outcome = signers.outcome(ended, f"answers {dict(signers.answers)}; the letter {dict(letters)}")
    outcome.expect_nothing_lost()
    outcome.expect(not others, f"answers {others}")
    outcome.expect(letters.keys() == {200}, f"the letter {dict(letters)}")
    outcome.expect(outcome.errors > 0, "nobody noticed")
    return outcome


def on_site(site: DrillSite, is_short: bool) -> Outcome:
    return try_it(site, "Away", 3 if is_short else 60, FAULTS)


def on_control(site: DrillSite, is_short: bool) -> Outcome:
    """A database that is away is an error like any other."""
    return try_it(site, "Error", 2, FAULTS[:1], site.worse_web.port)


DRILL = Drill(8, "PostgreSQL away", on_site, on_control)
