"""Drill 15: people sign with addresses that hold a word of their own; then all that the site keeps and shows is searched.

Nothing may hold the word or the network: neither the disk with PostgreSQL's log of changes, nor a dump, a log, the cache
in Redis, a page, a list, a PDF, or an email beyond the line that names its recipient. The names of those who stay must be
found, or the search would prove nothing. Some of them only signed, others went on in each way that there is.
`tests/test_canary.py` does it with every field, and with staff pages, too.
"""

import base64
import contextlib
import html
import secrets
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import NamedTuple

from pypdf import PdfReader
from redis import Redis

from campaign.runtime import cluster, environment
from tests.faults.drills import answer_times
from tests.faults.drills.drill_site import MUTANTS, SLUG, DrillSite
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import Signers
from tests.mutants import worse_copy
from tests.redis_server import RedisServer

STEPS = {
    "stays": ("confirm",), "goes": ("confirm", "withdraw"), "erases": ("confirm", "erase"), "denies": ("not-me",),
}  # fmt: skip
NETWORK = "127.231.77.1"
SEARCHED = {"dump", "log", "disk", "cache", "page", "CSV", "PDF", "text of the PDF", "metadata of the PDF", "email"}
NAMED = {"dump", "disk", "page", "CSV", "text of the PDF"}  # where a name that stays must be
SENT_SECONDS = 120.0
PAGE_SECONDS = 5.0  # after which each page shows a name that was approved (architecture, rule 8)


class Marked(Signers):
    """Signers whose addresses begin with a word that occurs nowhere else."""

    word = "".join(secrets.choice("bdghkmnprsvwz") for _each in range(12))

    def email_of(self, number: int) -> str:
        return self.word + super().email_of(number).replace(" ", "")


def disguises(words: list[str]) -> dict[bytes, str]:
    """The same words as other programs write them."""
    found: dict[bytes, str] = {}
    for word in words:
        plain = word.encode()
        shifted = [base64.b64encode(b"x" * shift + plain)[(0, 2, 3)[shift] : -4] for shift in range(3)]
        found |= dict.fromkeys([plain, plain[::-1], plain.hex().encode(), word.encode("utf-16-le"), *shifted], word)
    return found


class Look(NamedTuple):
    """A place that is searched."""

    kind: str
    place: str
    content: bytes


def kept(site: DrillSite) -> Iterator[Look]:
    """Yields what the site keeps: a dump, its log, each file of its folders on the disk and in memory, and its cache."""
    site.sql("CHECKPOINT")
    dump = [str(cluster.binaries() / "pg_dump"), "-h", str(site.folder / "postgres"), "-U", "undersigned"]
    yield Look("dump", "", subprocess.run([*dump, "undersigned"], capture_output=True, check=True).stdout)
    yield Look("log", "", site.output.read_bytes())
    for folder in (site.folder, environment.folder_in_memory(site.folder)):
        for file in folder.rglob("*"):
            try:
                if file.is_file():
                    yield Look("disk", str(file.relative_to(folder)), file.read_bytes())
            except FileNotFoundError:
                continue  # PostgreSQL took it away meanwhile
    with Redis.from_url(site.environment["CACHE_URL"]) as cache:
        for key in cache.scan_iter():
            yield Look("cache", key.decode(), key + (cache.get(key) or b""))


def shown(site: DrillSite) -> Iterator[Look]:
    """Yields public pages."""
    letter = "/" + site.letter().split("/", 3)[3]
    for page in ("/", letter, f"{letter}signatories/", f"{letter}history/", f"/api/v1{letter}", "/readyz"):
        yield Look("page", page, html.unescape(site.get(page)[1]).encode())


def exported(site: DrillSite) -> Iterator[Look]:
    """Yields the signers whom the letter is delivered with, as a table and as PDF."""
    with tempfile.TemporaryDirectory(prefix="us-export-") as folder:
        table, pdf = Path(folder) / "list.csv", Path(folder) / "letter.pdf"
        site.run("export_csv", SLUG, "--reason", "a drill", "--out", str(table))
        site.run("export_pdf", SLUG, "--reason", "a drill", "--out", str(pdf))
        yield Look("CSV", "", table.read_bytes())
        yield Look("PDF", "", pdf.read_bytes())
        reader = PdfReader(pdf)
        yield Look("text of the PDF", "", "\n".join(page.extract_text() for page in reader.pages).encode())
        yield Look("metadata of the PDF", "", f"{reader.metadata}".encode())


def sent(site: DrillSite) -> Iterator[Look]:
    """Yields each email as it came and decoded, without the one line that names its recipient."""
    for mail in map(deepcopy, site.inbox):
        recipient = mail["To"]
        del mail["To"]
        parts = [bytes(part.get_payload(decode=True) or b"") for part in mail.walk()]
        yield Look("email", f"to {recipient}", b"\n".join([mail.as_bytes(), *parts]))


def search(site: DrillSite, name: str, outcome: Outcome) -> None:
    """Looks for the words everywhere, and for this name, which stays, where it must be."""
    forms = disguises([Marked.word, NETWORK])
    sizes: Counter[str] = Counter()
    named: set[str] = set()
    found: set[tuple[str, str]] = set()
    places = 0
    for kind, place, content in (*kept(site), *shown(site), *exported(site), *sent(site)):
        places += 1
        sizes[kind] += len(content)
        named |= {kind} if name.encode() in content else set()
        found |= {(word, f"{kind} {place}") for form, word in forms.items() if form in content}
    outcome.note = f"{sizes.total() / 1e6:,.0f} MB in {places:,} places: {', '.join(sizes)}"
    outcome.expect(all(sizes[kind] for kind in SEARCHED), f"searched: {dict(sizes)}")
    outcome.expect(named >= NAMED, f"the search found no name in: {', '.join(sorted(NAMED - named))}")
    outcome.expect(not found, "found: " + ", ".join(sorted(f"{word} in {place}" for word, place in found)[:5]))


def wait_until_sent(site: DrillSite, group: str) -> bool:
    deadline = time.monotonic() + SENT_SECONDS
    while (left := site.unsent(group)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return not left


def try_it(site: DrillSite, group: str, each: int, port: int = 0) -> Outcome:
    groups = {name: Marked(site, f"{group} {name}", network=NETWORK) for name in STEPS}
    waiting = Marked(site, f"{group} waits", network=NETWORK, port=port)  # their emails are in the outbox at the end
    outcome = Outcome()
    for signers in groups.values():
        signers.send(each)
        outcome += signers.outcome([])
    with site.worker():
        outcome.expect(wait_until_sent(site, group), "emails were not sent")
    waiting.send(each)
    outcome += waiting.outcome([])
    for name, signers in groups.items():
        outcome.expect(answer_times.owners_act(site, signers, STEPS[name]) <= {200, 303}, f"nobody {name}")
    outcome.expect_nothing_lost()
    staying = groups["stays"].group
    outcome.expect(
        site.python(answer_times.__name__, f"decide_all('approve', {staying!r})") == each, "not all approved"
    )
    time.sleep(PAGE_SECONDS)
    search(site, staying, outcome)
    return outcome


@contextlib.contextmanager
def site_with_cache() -> Iterator[DrillSite]:
    """Yields a site of its own, whose cache is in Redis."""
    with (
        tempfile.TemporaryDirectory(prefix="us-redis-") as folder,
        RedisServer.running(Path(folder)) as redis,
        DrillSite.started(CACHE_URL=redis.url, COUNT_STEP_MINUTES="0") as site,
    ):
        yield site


def on_site(_site: DrillSite, is_short: bool) -> Outcome:
    with site_with_cache() as site:
        return try_it(site, "Marked", 10 if is_short else 100)


def on_control(_site: DrillSite, is_short: bool) -> Outcome:
    """The outbox keeps addresses as they are."""
    with tempfile.TemporaryDirectory(prefix="us-worse-") as folder, site_with_cache() as site:
        worse_copy.make(Path(folder) / "copy", MUTANTS / "03-plain-address.patch")
        with site.web_server(Path(folder) / "copy") as worse:
            return try_it(site, "Leaking", 5, worse.port)


DRILL = Drill(15, "words of the addresses", on_site, on_control, is_in_short=False)
