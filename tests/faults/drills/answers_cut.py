"""Drill 5: the database commits, and its answer never arrives. Half of the people try again."""

import contextlib
import random
import socket
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.faults.drills.drill_site import DrillSite, WebServer
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import Signers
from tests.live_site import free_port

SHARE = 0.2  # of the answers to sign-ups that are cut off


class CuttingProxy:
    """A way to the database on which some answers to sign-ups, committed by then, are cut off with the connection."""

    def __init__(self, database: Path) -> None:
        self.database, self.port = database, free_port()
        self.cuts: list[float] = []
        self.chance = random.Random(1)
        self.listener = socket.create_server(("127.0.0.1", self.port))

    @contextlib.contextmanager
    def running(self) -> Iterator[str]:
        """Yields its URL."""
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield f"postgres://undersigned@127.0.0.1:{self.port}/undersigned"
        finally:
            self.listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self.listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self.database / ".s.PGSQL.5432"))
                dooms = threading.Event()
                threading.Thread(target=self._ask, args=(client, server, dooms), daemon=True).start()
                threading.Thread(target=self._answer, args=(client, server, dooms), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, dooms: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while part := client.recv(65536):
                if b"signatures_submit" in part and self.chance.random() < SHARE:
                    dooms.set()
                server.sendall(part)
        end(client, server)

    def _answer(self, client: socket.socket, server: socket.socket, dooms: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while part := server.recv(65536):
                if dooms.is_set():
                    self.cuts.append(time.monotonic())
                    break
                client.sendall(part)
        end(client, server)


def end(*connections: socket.socket) -> None:
    for connection in connections:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


@cache
def behind_proxy(site: DrillSite) -> tuple[CuttingProxy, WebServer]:
    """Returns a web server that reaches the database by a proxy. Both end with the site."""
    proxy = CuttingProxy(site.folder / "postgres")
    url = site.until_the_end.enter_context(proxy.running())
    return proxy, site.until_the_end.enter_context(site.web_server(DATABASE_URL=url))


def try_it(site: DrillSite, group: str, people: int) -> Outcome:
    proxy, web = behind_proxy(site)
    before = len(proxy.cuts)
    signers = Signers(site, group, leaving=2, port=web.port)
    signers.send(people)
    outcome = signers.outcome([])
    outcome.faults = len(proxy.cuts) - before
    outcome.expect_nothing_lost()
    outcome.expect(outcome.faults > 0, "no answer was cut off")
    return outcome


def on_site(site: DrillSite, is_short: bool) -> Outcome:
    return try_it(site, "Cut", 300 if is_short else 1_000)


def on_control(site: DrillSite, is_short: bool) -> Outcome:
    """The same sign-up again is another one."""
    with site.replaced_function("signatures_submit", "same := waiting;", "NULL;"):
        return try_it(site, "Doubled", 100)


DRILL = Drill(5, "answers cut after commit", on_site, on_control)
