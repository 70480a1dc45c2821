"""People who read, sign and confirm at a steady pace."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tests.faults.drills.drill_site import DrillSite
from tests.faults.drills.http_answers import FORM, status_of
from tests.faults.drills.signers import Signers
from tests.faults.honest_signer import filled_in_form
from tests.faults.soak.link_inbox import LinkInbox

PEAK = 33  # confirmed signatures a second, the most at petition.parliament.uk
READS = {"letter": 3.0, "list": 0.5, "search": 0.25}  # for each signature
CLIENTS = {"letter": 2, "list": 1, "search": 1, "sign": 4, "confirm": 4}
SEARCHES = ("kim", "smith", "an", "garc", "müller", "김", "王", "nguyen", "ivan", "maria")


@dataclass
class Stream:
    """Requests of one kind, sent by some clients at a steady pace. A late one is not made up for.

    Attributes:
        name: of the kind.
        rate: how many a second are offered.
        act: sends one. Returns whether it was a success; None: there was nothing to do.
        times: the moment and the seconds of each success.
        failures: by status.
    """

    name: str
    rate: float
    act: Callable[["Stream"], bool | None]
    times: list[tuple[float, float]] = field(default_factory=list)
    failures: Counter[int] = field(default_factory=Counter)

    def start(self, stop: threading.Event) -> list[threading.Thread]:
        clients = CLIENTS[self.name]
        threads = [
            threading.Thread(target=self._work, args=(stop, clients / self.rate), daemon=True)
            for _each in range(clients)
        ]
        for thread in threads:
            thread.start()
        return threads

    def _work(self, stop: threading.Event, pause: float) -> None:
        due = time.monotonic()
        while not stop.wait(max(0.0, due - time.monotonic())):
            begun = time.monotonic()
            due = max(due, begun) + pause
            if self.act(self):
                self.times.append((begun, time.monotonic() - begun))

    def request(self, good: int, url: str, number: int, form: str | None = None) -> bool:
        """Sends a request as the person of this number, who has a network of their own. Returns whether it was good."""
        network = f"127.{number // 200 % 250 + 1}.{number % 200 + 1}.1"
        status = status_of("POST" if form else "GET", url, form, network, FORM if form else {})
        if status != good:
            self.failures[status] += 1
        return status == good

    def rate_since(self, begun: float) -> float:
        return len(self.since(begun)) / (time.monotonic() - begun)

    def since(self, begun: float) -> list[float]:
        first = len(self.times)
        while first and self.times[first - 1][0] >= begun:
            first -= 1
        return sorted(seconds for _at, seconds in self.times[first:])

    def slowest(self, begun: float) -> str:
        """Returns what 99 of 100 successes since this moment did not take."""
        found = self.since(begun)
        return f"{found[len(found) * 99 // 100]:.2f} s" if found else "-"


class Traffic:
    """All that people do on the site. `signed` and `confirmed` hold the names of those who were acknowledged."""

    def __init__(self, site: DrillSite, inbox: LinkInbox, times: float) -> None:
        self.site, self.inbox, self.letter = site, inbox, site.letter()
        self.numbers, self.readers = itertools.count(), itertools.count()
        self.signed: set[str] = set()
        self.confirmed: set[str] = set()
        self.signers, self.taking = Signers(site, "Soak"), threading.Lock()
        rate = PEAK * times
        acts = {
            "letter": self.read,
            "list": self.read_list,
            "search": self.search,
            "sign": self.sign,
            "confirm": self.confirm,
        }
        self.streams = {name: Stream(name, rate * READS.get(name, 1.0), act) for name, act in acts.items()}

    def read(self, stream: Stream) -> bool:
        return stream.request(200, self.letter, next(self.readers))

    def read_list(self, stream: Stream) -> bool:
        return stream.request(200, f"{self.letter}signatories/", next(self.readers))

    def search(self, stream: Stream) -> bool:
        number = next(self.readers)
        words = f"{SEARCHES[number % len(SEARCHES)]}{'abcdefghij'[number // 10 % 10]}"  # most are in no cache
        return stream.request(200, f"{self.letter}signatories/?{urlencode({'q': words})}", number)

    def sign(self, stream: Stream) -> bool:
        number = next(self.numbers)
        name = self.signers.name_of(number)
        form = urlencode(filled_in_form(self.letter, name, self.signers.email_of(number)))
        if is_good := stream.request(303, f"{self.letter}sign/", number, form):
            self.signed.add(name)
        return is_good

    def confirm(self, stream: Stream) -> bool | None:
        """Opens the link of an email, and presses the button."""
        with self.taking:
            if self.inbox.links.empty():
                return None
            number, path = self.inbox.links.get()
        url, name = f"http://127.0.0.1:{self.site.port}{path}", self.signers.name_of(number)
        form = {**filled_in_form(self.letter, name, ""), "action": "confirm", "country": ""}
        if not stream.request(200, url, number) or not stream.request(303, url, number, urlencode(form)):
            return False
        self.confirmed.add(name)
        return True
