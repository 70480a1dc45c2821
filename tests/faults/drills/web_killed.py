"""Drill 2: the processes that answer requests are killed while people sign. Half of the people try again."""

import os
import signal
import time
from pathlib import Path

from tests.faults.drills.drill_site import DrillSite, WebServer
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import CLIENTS, Signers

PAUSE_SECONDS = 3.0  # Granian alone, as in the control, ends when a process lives for less than two of them
LISTENING = "0A"  # in /proc/net/tcp
START_SECONDS = 60.0  # in which a process must answer that came in the place of another


def wait_until_all_answer(web: WebServer) -> None:
    """Waits until each process answers: without a shared socket, requests are refused when one alone is killed."""
    deadline = time.monotonic() + START_SECONDS
    while not web.shares_socket and listening_sockets(web.port) < len(web.workers) and time.monotonic() < deadline:
        time.sleep(0.1)


def listening_sockets(port: int) -> int:
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(1 for line in lines if line[1].endswith(f":{port:04X}") and line[3] == LISTENING)


def wait_until_half_written(signers: Signers) -> None:
    """Waits for a moment at which more than half of those who sign are stored without their email."""
    deadline = time.monotonic() + START_SECONDS
    while signers.half_written <= CLIENTS // 2 and time.monotonic() < deadline:
        time.sleep(0.02)


def try_it(
    site: DrillSite, web: WebServer, group: str, kills: int, people: int, leaving: int, *, is_aimed: bool = False
) -> Outcome:
    signers = Signers(site, group, leaving=leaving, port=web.port)
    killed = []
    with signers.signing():
        for number in range(1, kills + 1):
            time.sleep(PAUSE_SECONDS)
            signers.wait_for(people * number // kills)
            wait_until_all_answer(web)
            if is_aimed:
                wait_until_half_written(signers)
            os.kill(web.workers[0], signal.SIGKILL)
            killed.append(time.monotonic())
        signers.wait_for(len(signers.acknowledged) + 50)
    outcome = signers.outcome(killed, f"{signers.answers[0]} requests without an answer")
    outcome.expect_nothing_lost()
    outcome.expect(signers.answers[0] > 0, "no request was cut off")
    return outcome


def on_site(site: DrillSite, is_short: bool) -> Outcome:
    return try_it(site, site.web, "Web", 2 if is_short else 50, 200 if is_short else 5_000, leaving=2)


def on_control(site: DrillSite, is_short: bool) -> Outcome:
    """The email is enqueued a second after the transaction that stores the sign-up, and the kills are aimed at it.

    One kill can still meet the process in which nobody is half-way; four do not.
    """
    return try_it(site, site.worse_web, "Unmailed", 4, 40, leaving=1, is_aimed=True)


DRILL = Drill(2, "web processes killed", on_site, on_control)
