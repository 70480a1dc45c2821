"""`uv run python -m tests.faults.stalled [--quick]`: tries to stall a site, and prints how long its pages took.

Each fault is tried on the site as `serve` runs it, and on the *control*: the same code under a plain WSGI server, in
which every request has a thread and no wait for the database has an end. The control must fail, or the drill proves
nothing. All of it stays on this machine and ends by itself.
"""

import argparse
import contextlib
import itertools
import os
import signal
import socket
import statistics
import string
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from tests import signals
from tests.faults.honest_signer import TIMEOUT_SECONDS, sign_up, time_of
from tests.live_site import LiveSite, children_of, free_port
from tests.prepared import BASE

CONNECTIONS = 200
TRIES = 3  # on the site, if the first did not hold: a machine may stand still for a moment
LETTER = "/letters/xi-jinping-2013/"
NAMES = 30_000
SEARCH = f"{LETTER}signatories/?q=a"
TABLES = (
    "signatures_signature", "signatures_ratelimit", "campaign_letter", "campaign_revision", "campaign_translation",
)  # fmt: skip


class Fault(NamedTuple):
    """One way to stall a site.

    Attributes:
        name: as printed.
        during: a block in which the fault is there, for the site and the port of its server.
        seconds: how long it lasts, and how long in the quick version.
        limits: the longest time in seconds of each page.
        has_readers: whether others ask for pages that need the database meanwhile.
        control: options of the control's server, where threads without end are not enough to stall it.
        needs_list: whether a long list is made for it, which takes a while: the quick version leaves it out.
    """

    name: str
    during: Callable[[LiveSite, int], AbstractContextManager[None]]
    seconds: tuple[float, float]
    limits: dict[str, float]
    has_readers: bool = False
    control: tuple[str, ...] = ()
    needs_list: bool = False


@contextlib.contextmanager
def locked_tables(site: LiveSite, port: int) -> Iterator[None]:
    connection = site.connect()
    try:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(f"LOCK TABLE {', '.join(TABLES)} IN ACCESS EXCLUSIVE MODE")
        yield
    finally:
        connection.close()


@contextlib.contextmanager
def stopped_database(site: LiveSite, port: int) -> Iterator[None]:
    os.kill(site.postmaster, signal.SIGSTOP)  # first, so that it starts no others
    stopped = [site.postmaster, *children_of(site.postmaster)]
    signals.send(signal.SIGSTOP, stopped)
    try:
        yield
    finally:
        signals.send(signal.SIGCONT, reversed(stopped))


@contextlib.contextmanager
def all_at_once(work: Callable[[threading.Event], None], patience: float) -> Iterator[None]:
    """As many threads as there are to be connections do some work until it is to stop.

    Args:
        work: gets the event that stops it.
        patience: seconds to wait for each thread at the end.
    """
    stop = threading.Event()
    threads = [threading.Thread(target=work, args=[stop], daemon=True) for _each in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(1)
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(patience)


@contextlib.contextmanager
def slow_connections(site: LiveSite, port: int, *, start: bytes, drop: bytes) -> Iterator[None]:
    """Open connections that send `start` and then `drop` once a second. One that the server ends is opened again."""

    def keep_open(stop: threading.Event) -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as client:
                client.sendall(start)
                while not stop.wait(1):
                    if drop:
                        client.sendall(drop)
                    elif not client.recv(1):
                        break

    with all_at_once(keep_open, patience=5):
        yield


HEAD = f"POST {LETTER}sign/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
slow_bodies = partial(slow_connections, start=f"{HEAD}Content-Length: 5000\r\n\r\n".encode(), drop=b"a")
slow_headers = partial(slow_connections, start=HEAD.encode(), drop=b"X: a\r\n")
idle_connections = partial(slow_connections, start=b"", drop=b"")


@contextlib.contextmanager
def many_askers(site: LiveSite, port: int, *, page: Callable[[int], str]) -> Iterator[None]:
    """Strangers who ask at once for something that is in no cache, and for the next as soon as they have it.

    One that is refused comes again after a second.
    """
    numbers = itertools.count()
    fill(site)

    def ask(stop: threading.Event) -> None:
        while not stop.is_set():
            if time_of(f"http://127.0.0.1:{port}{page(next(numbers))}") > TIMEOUT_SECONDS:
                stop.wait(1)

    with all_at_once(ask, patience=0.02):  # what was asked for is still answered, or ends with the server
        yield


def fill(site: LiveSite) -> None:
    """Puts a list under the letter that takes a while to search, and freezes a delivery of it."""
    if site.sql("SELECT 1 FROM signatures_delivery"):
        return
    site.run("make_signatures", str(NAMES))
    site.python("signatures.delivery.freezing", "freeze(Letter.objects.current(), by=None, reason='a drill').number")
    site.sql("UPDATE signatures_delivery SET state = 'ready', root = repeat('0', 64)")


def search(number: int) -> str:
    """Two pieces of words that many names hold, and hardly any holds together."""
    first, second = (string.ascii_lowercase[number // step % 26] for step in (1, 26))
    return f"{LETTER}signatories/?q=a{first}+e{second}+on"


def download(number: int) -> str:
    return f"/deliveries/xi-jinping-2013/1/leaves.csv?{number}"


DATABASE_LIMITS = {"health check": 1.0, "letter": 2.0}
CONNECTION_LIMITS = {"health check": 1.0, "letter": 1.0, "sign-up": 1.0}
ROOM_FOR_FEW = ("--backpressure", "100")  # a connection without a request holds no thread, but a place
FAULTS = [
    Fault("locked tables", locked_tables, (75, 6), DATABASE_LIMITS, has_readers=True),
    Fault("stopped database", stopped_database, (90, 6), DATABASE_LIMITS, has_readers=True),
    Fault("slow bodies", slow_bodies, (20, 4), CONNECTION_LIMITS),
    Fault("slow headers", slow_headers, (20, 4), CONNECTION_LIMITS, control=ROOM_FOR_FEW),
    Fault("idle connections", idle_connections, (20, 4), CONNECTION_LIMITS, control=ROOM_FOR_FEW),
    # The last ones, because the list stays.
    Fault("searches", partial(many_askers, page=search), (20, 4), CONNECTION_LIMITS, needs_list=True),
    Fault("downloads", partial(many_askers, page=download), (20, 4), CONNECTION_LIMITS, needs_list=True),
]


@dataclass
class Outcome:
    """The times in seconds of each page under one fault; an answer that was no success counts as endless."""

    fault: Fault
    server: str
    times: dict[str, list[float]] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        return all(max(times, default=float("inf")) < self.fault.limits[page] for page, times in self.times.items())

    def __str__(self) -> str:
        cells = [
            f"{page} {statistics.median(times):6.3f} {max(times):7.3f} ({len(times)})"
            for page, times in self.times.items()
        ]
        return f"{self.fault.name:17} {self.server:8} {'held' if self.held else 'STALLED':8} " + "   ".join(cells)


def try_fault(site: LiveSite, port: int, fault: Fault, server: str, seconds: float) -> Outcome:
    """Returns the times of the pages, each asked for again and again by a client of its own while the fault lasts."""
    root = f"http://127.0.0.1:{port}"
    work: dict[str, Callable[[], float]] = {
        "health check": partial(time_of, f"{root}/healthz"),
        "letter": partial(time_of, f"{root}{LETTER}"),
        "sign-up": partial(sign_up, f"{root}{LETTER}"),
    }
    outcome = Outcome(fault, server, {page: [] for page in fault.limits})
    for page in fault.limits:
        work[page]()  # before the fault: the pages have been read
    stop = threading.Event()

    def repeat(ask: Callable[[], float], times: list[float], pause: float) -> None:
        while not stop.is_set():
            times.append(ask())
            time.sleep(pause)

    readers = 24 if fault.has_readers else 0
    with ThreadPoolExecutor(len(outcome.times) + readers) as clients, fault.during(site, port):
        for page, times in outcome.times.items():
            clients.submit(repeat, work[page], times, 0.1)
        for _each in range(readers):
            clients.submit(repeat, partial(time_of, f"{root}{SEARCH}"), [], 0.2)
        time.sleep(seconds)
        stop.set()
    return outcome


def try_site(site: LiveSite, fault: Fault, seconds: float) -> Outcome:
    """Returns the first try that held, or the last one: a server that a fault stalls is stalled every time."""
    for _each in range(TRIES):
        outcome = try_fault(site, site.port, fault, "site", seconds)
        site.wait_until_ready(30)
        if outcome.held:
            break
    return outcome


@contextlib.contextmanager
def control(site: LiveSite, *options: str) -> Iterator[int]:
    """Yields the port of a plain WSGI server of the same site."""
    port = free_port()
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--blocking-threads", "8",
        "--no-ws", "--log-level", "critical", *options, "tests.faults.unprotected:application",
    ]  # fmt: skip
    environment = {**site.environment, "OUTBOX_PRIVATE_KEY_FILE": ""}
    with site.output.open("ab") as out:
        process = subprocess.Popen(command, cwd=BASE, env=environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        while time_of(f"http://127.0.0.1:{port}/healthz") > 5:
            assert process.poll() is None, site.output.read_text()
            time.sleep(0.1)
        yield port
    finally:
        process.kill()  # its threads are held
        process.wait()


def run(*, quick: bool, faults: list[Fault], say: Callable[[str], None] = print) -> list[str]:
    """Tries the faults. Returns what was not as it should be."""
    wrong: list[str] = []
    with ExitStack() as stack:
        site = stack.enter_context(LiveSite.temporary(free_port()))
        for fault in faults:
            seconds = fault.seconds[1] if quick else fault.seconds[0]
            outcome = try_site(site, fault, seconds)
            say(str(outcome))
            wrong += [] if outcome.held else [str(outcome)]
            with control(site, *fault.control) as port:
                outcome = try_fault(site, port, fault, "control", min(seconds, 6))
            say(str(outcome))
            wrong += [f"the control was not stalled: {outcome}"] if outcome.held else []
            site.wait_until_ready(30)
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.stalled", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="each fault for some seconds, and those without a list alone"
    )
    parser.add_argument("names", nargs="*", metavar="FAULT", help="only these, such as 'slow bodies'")
    options = parser.parse_args()
    print("Seconds: median, maximum (number of requests)")
    some = options.names or [fault.name for fault in FAULTS if not (options.quick and fault.needs_list)]
    wrong = run(quick=options.quick, faults=[fault for fault in FAULTS if fault.name in some])
    for line in wrong:
        print(f"NOT AS IT SHOULD BE: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
