"""Sign-ups per second where each commit takes 5 ms, as on a remote disk; 32 clients call the action directly."""

import itertools
import threading
import time

from django.db import connection

from campaign.models import Translation
from signatures.screening import rate_limits
from signatures.signing import submission
from signatures.values import email_addresses
from tests.bench.fixture import SLUG, BenchSite
from tests.bench.table import Row, alternate
from tests.factories import signer_input

CLIENTS, LATENCY = 32, 5_000  # µs


def run(sites: dict[str, BenchSite], *, quick: bool) -> list[Row]:
    """Sets `commit_delay`: the first of a group of commits waits so long before it flushes."""
    site = sites["100k"]
    text = Translation.objects.newest(SLUG, "en")
    assert text is not None
    numbers = itertools.count()
    seconds, rounds = (1, 1) if quick else (4, 3)

    def sign_up(until: float, done: list[int]) -> None:
        while time.monotonic() < until:
            number = next(numbers)
            address = f"far.{number}@host{number % 50}.example.org"
            values = {
                "network": f"10.{number % 200}.0.0/24",
                "mailbox": email_addresses.canonical(address),
                "domain": email_addresses.domain_of(address),
                "site": "",
                "words": f"far {number}",
            }
            typed = signer_input(text, name=f"Jürgen Müller-{number}", role="Teacher", country="DE")
            flags = rate_limits.count_event(values).flags
            submission.submit(typed, address=address, updates=False, flags=flags)
            done.append(number)
        connection.close()

    def rate() -> float:
        done: list[int] = []
        began = time.monotonic()
        clients = [threading.Thread(target=sign_up, args=(began + seconds, done)) for _each in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        return len(done) / (time.monotonic() - began)

    site.sql(f"ALTER DATABASE undersigned SET commit_delay = {LATENCY}")
    site.sql("ALTER DATABASE undersigned SET commit_siblings = 0")
    try:
        (sign_ups,) = alternate({"sign-ups, 5 ms a commit": rate}, rounds).values()
    finally:
        site.sql("ALTER DATABASE undersigned RESET commit_delay")
        site.sql("ALTER DATABASE undersigned RESET commit_siblings")
    return [Row("sign-ups at 5 ms a commit, 32 clients", sign_ups, "/s", None, 300, at_least=True)]
