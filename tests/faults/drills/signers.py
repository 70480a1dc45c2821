"""People who sign over HTTP and keep what they were told; at the end it is compared with what is stored."""

import contextlib
import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.faults.drills.drill_site import DrillSite
from tests.faults.drills.http_answers import post
from tests.faults.drills.outcome import Outcome
from tests.faults.honest_signer import filled_in_form

CLIENTS = 8
_groups = Counter[str]()  # how often each name was wanted: a drill may be repeated
RETRY_SECONDS, RETRY_PAUSE = 30.0, 0.1

_STORED = """
    SELECT name, count(*) FROM (
        SELECT name FROM signatures_submission UNION ALL SELECT name FROM signatures_signature
    ) AS stored WHERE name LIKE %s GROUP BY name
"""
_HALF = """
    SELECT count(*) FROM signatures_submission AS s FULL JOIN (
        SELECT DISTINCT signature_id FROM signatures_outboxmail WHERE kind = 'link'
    ) AS m ON m.signature_id = s.id
    WHERE s.name LIKE %s AND m.signature_id IS NULL
        OR s.id IS NULL AND NOT EXISTS (SELECT FROM signatures_signature WHERE id = m.signature_id)
"""


@dataclass
class Signers:
    """A group of people with an address and a network each.

    Attributes:
        site: the site.
        group: what their names begin with; with another letter at its end, if there was a group of this name before.
        leaving: every so many-th person does not try again without a good answer; 0: all do.
        port: of the web server, if it is not the site's.
        network: where all of them come from; by default each from a network of their own.
    """

    site: DrillSite
    group: str
    leaving: int = 0
    port: int = 0
    network: str = ""
    names: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    answers: Counter[int] = field(default_factory=Counter)
    times: list[tuple[float, float]] = field(default_factory=list)  # begun and ended, of each success

    def __post_init__(self) -> None:
        before = _groups[self.group]
        _groups[self.group] += 1
        self.group += " bcdefghi"[before].strip()
        self.numbers = itertools.count()
        self.letter = self.site.letter(self.port)
        self.stop = threading.Event()

    def name_of(self, number: int) -> str:
        return f"{self.group} {number}"

    def email_of(self, number: int) -> str:
        return f"{self.group.lower()}{number}@host{number % 50}.example.org"

    def sign(self, number: int) -> None:
        """Signs as one of them, until there is a good answer if they try again."""
        name = self.name_of(number)
        form = filled_in_form(self.letter, name, self.email_of(number))
        network = self.network or f"127.{number // 200 % 250 + 1}.{number % 200 + 1}.1"
        self.names.add(name)
        give_up = time.monotonic() + RETRY_SECONDS
        while True:
            begun = time.monotonic()
            status = post(f"{self.letter}sign/", form, network)
            self.answers[status] += 1
            if status == 303:
                self.acknowledged.add(name)
                self.unknown.discard(name)
                self.times.append((begun, time.monotonic()))
                return
            if status == 0:
                self.unknown.add(name)
            if (self.leaving and number % self.leaving == 0) or time.monotonic() > give_up:
                return
            time.sleep(RETRY_PAUSE)

    def send(self, people: int, clients: int = CLIENTS) -> None:
        """Lets so many of them sign, some at a time."""
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(self.sign, itertools.islice(self.numbers, people)))

    @contextlib.contextmanager
    def signing(self, clients: int = CLIENTS) -> Iterator[None]:
        """They sign one after another within this block."""
        filled_in_form(self.letter, "", "")  # the hidden fields are read while the page is there
        lock = threading.Lock()

        def work() -> None:
            while not self.stop.is_set():
                with lock:
                    number = next(self.numbers)
                self.sign(number)

        threads = [threading.Thread(target=work) for _each in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()

    def wait_for(self, people: int, seconds: float = 60) -> None:
        """Waits until so many of them were told that it worked."""
        deadline = time.monotonic() + seconds
        while len(self.acknowledged) < people and time.monotonic() < deadline:
            time.sleep(0.02)

    def recovery(self, ended: list[float]) -> float:
        """Returns the longest time from these moments to the end of the next success that was begun after it."""
        after = [
            min((done for begun, done in list(self.times) if begun >= at), default=float("inf")) - at for at in ended
        ]
        return max(after, default=0.0)

    @property
    def slowest(self) -> float:
        """The time in seconds that 99 of 100 successes did not take."""
        times = sorted(done - begun for begun, done in self.times)
        return times[len(times) * 99 // 100] if times else float("inf")

    @property
    def half_written(self) -> int:
        """The number of sign-ups that are stored without their email, or the reverse."""
        ((number,),) = self.site.sql(_HALF, [f"{self.group} %"])
        return int(number)

    def outcome(self, faults: list[float], note: str = "") -> Outcome:
        """Compares what they were told with what is stored. `faults` are the moments when one ended."""
        stored = dict(self.site.sql(_STORED, [f"{self.group} %"]))
        return Outcome(
            sent=len(self.names),
            acknowledged=len(self.acknowledged),
            unknown=len(self.unknown),
            lost=len(self.acknowledged - stored.keys()),
            doubled=sum(1 for number in stored.values() if number > 1),
            half=self.half_written,
            errors=sum(number for status, number in self.answers.items() if status >= 500),
            faults=len(faults),
            recovery=self.recovery(faults),
            note=note,
        )
