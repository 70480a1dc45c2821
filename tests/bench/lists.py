"""Pages of the public list in a process of their own, which prints the time they took. Run by `manage.py shell -c`."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.db import connection
from django.test import Client

from campaign.models import Letter
from campaign.web.middleware import page_cache
from signatures.models import Signature
from tests.bench.fixture import SLUG

SETTLED = 0.0005  # seconds after its answer until the server sleeps and its processor time is accounted
LIST = f"/letters/{SLUG}/signatories/"
SEARCHES = {
    "a single frequent letter": {"q": "a"},
    "a frequent pair of letters": {"q": "an"},
    "a frequent syllable, any part of a name": {"q": "ari"},
    "one Hangul syllable": {"q": "김"},
    "another Hangul syllable": {"q": "철"},
    "one Hanzi": {"q": "李"},
    "one letter of a small script": {"q": "ف"},
    "a frequent name": {"q": "kim"},
    "two frequent pieces that hardly meet": {"q": "김 a"},
    "two words": {"q": "maria foundation"},
    "nothing found": {"q": "xyzzyplugh"},
    "a whole name, its parts together": {"q": "김철수"},
    "a whole name, its parts apart": {"q": "김 철수"},
    "a whole name of Hanzi": {"q": "山田太郎"},
    "a common surname, one country": {"q": "smith", "country": "CA"},
    "a common surname": {"q": "garcia"},
    "many frequent pairs, nothing found": {"q": "an er ma ar in el na ri la ie on ra en l"},
    "the most frequent pairs, nothing found": {"q": "er ar an en re in on ri ma es ra or"},
    "many frequent pairs, by name": {"q": "an er ma ar in el na ri la ie on ra en l", "order": "name"},
    "many frequent pairs, one country": {"q": "an er ma ar in el na ri la ie on ra en l", "country": "US"},
    "some frequent pairs": {"q": "or al el li ma an te ch"},
    "a few frequent pairs": {"q": "ie on ch st"},
    "frequent letter, another country": {"q": "a", "country": "KR"},
    "frequent syllable, another country": {"q": "김", "country": "US"},
    "frequent name, one country": {"q": "kim", "country": "US"},
    "frequent name, by name": {"q": "kim", "order": "name"},
    "one Hangul syllable, by name": {"q": "김", "order": "name"},
}


@dataclass
class Clock:
    """Seconds for which a page waited for the database, and processor seconds of the database."""

    elapsed: float = 0.0
    processor: float = 0.0
    settling: float = 0.0


def pages(times: int) -> None:
    """Prints for each kind of page milliseconds of waiting for the database, of its processor, and in all."""
    client, found = Client(headers={"host": "localhost"}), {}
    for page, address in addresses().items():
        took = [fetch(client, address) for _turn in range(times + 1)]
        found[page] = took[1:]  # the first request fills caches, as on a site in use
    print(json.dumps(found))


def addresses() -> dict[str, str]:
    letter = Letter.objects.get(slug=SLUG)
    # Somewhere in the middle of each order: made-up people sign in any. To skip half of five million takes minutes.
    public = Signature.objects.filter(letter=letter).public().order_by("pk")
    half = (Signature.objects.order_by("-pk")[0].pk + Signature.objects.order_by("pk")[0].pk) // 2
    chosen = public.filter(pk__gte=half)[0]
    chosen_kr = public.filter(country="KR")[0]
    rare = public.filter(pk__gt=chosen.pk)[0].name.split()[0] + " " + chosen.name.split()[-1]
    day = f"{chosen.approved_on}.{chosen.public_id.hex}"
    asked = {
        "first page": {},
        "in the middle": {"after": day},
        "in the middle, back": {"before": day},
        "by name": {"order": "name"},
        "by name, in the middle": {"order": "name", "after": f"{chosen.sort_key}.{chosen.public_id.hex}"},
        "one country": {"country": "KR"},
        "a rare country": {"country": "IS"},
        "one country, in the middle": {"country": "KR", "after": f"{chosen_kr.approved_on}.{chosen_kr.public_id.hex}"},
        "one country by name, in the middle": {
            "country": "KR", "order": "name", "after": f"{chosen_kr.sort_key}.{chosen_kr.public_id.hex}"
        },
        "organizations": {"kind": "organization"},
        **{f"search: {what}": query for what, query in SEARCHES.items()},
        "search: one rare name": {"q": chosen.name[:40]},
        "search: two words of two people": {"q": rare[:40]},
        "search: frequent name, in the middle": {"q": "kim", "after": day},
        "search: frequent letter, in the middle, back": {"q": "a", "before": day},
    }  # fmt: skip
    found = {page: f"{LIST}?{urlencode(query)}" for page, query in asked.items()}
    return {**found, "countries": f"{LIST}countries/", "one name": f"{LIST}{chosen.public_id}/"}


def many(number: int) -> None:
    """Prints so many addresses of each kind of page, no two alike."""
    public = Signature.objects.filter(letter__slug=SLUG).public()
    rows = list(public.order_by("public_id").only("approved_on", "public_id", "country", "name")[:number])
    cursors = [(row, {"after": f"{row.approved_on}.{row.public_id.hex}"}) for row in rows]
    print(json.dumps({
        "in the middle": [f"{LIST}?{urlencode(cursor)}" for _row, cursor in cursors],
        "one country": [f"{LIST}?{urlencode({'country': row.country or 'KR'} | cursor)}" for row, cursor in cursors],
        "search for a part of a name": [f"{LIST}?{urlencode({'q': row.name[:3]} | cursor)}" for row, cursor in cursors],
    }))  # fmt: skip


def fetch(client: Client, address: str) -> tuple[float, float, float]:
    page_cache.clear()
    with clocked() as clock:
        started = time.perf_counter()
        status = client.get(address).status_code
        whole = time.perf_counter() - started - clock.settling
    if status != 200:
        raise SystemExit(f"{address} answers {status}")
    return clock.elapsed * 1000, clock.processor * 1000, whole * 1000


@contextmanager
def clocked() -> Iterator[Clock]:
    """Yields the clock of all statements within. Its processor time excludes whatever else runs on this machine."""
    connection.ensure_connection()
    schedstat = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
    clock = Clock()

    def result(execute: Callable[..., Any], *statement: Any) -> Any:
        before, started = nanoseconds(schedstat), time.perf_counter()
        try:
            return execute(*statement)
        finally:
            answered = time.perf_counter()
            time.sleep(SETTLED)
            clock.processor += (nanoseconds(schedstat) - before) / 1e9
            clock.elapsed += answered - started
            clock.settling += time.perf_counter() - answered

    with connection.execute_wrapper(result):
        yield clock


def nanoseconds(schedstat: Path) -> int:
    return int(schedstat.read_text().split()[0])
