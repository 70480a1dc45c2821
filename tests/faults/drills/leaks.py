"""Drill 15: people sign with addresses that hold a word of their own; then all that the site keeps and shows is searched.

Nothing may hold the word or the network: neither the disk with PostgreSQL's log of changes, nor a dump, a log or a page.
The names of those who stay must be found, or the search would prove nothing. Some of them only signed, others went on in
each way that there is. `tests/test_canary.py` does it with every field, and with exports, emails and staff pages, too.
"""

import base64
import html
import secrets
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from campaign.runtime import cluster
from tests.faults.drills.answer_times import owners_act
from tests.faults.drills.drill_site import MUTANTS, DrillSite
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import Signers
from tests.mutants import worse_copy

STEPS = {
    "stays": ("confirm",), "goes": ("confirm", "withdraw"), "erases": ("confirm", "erase"), "denies": ("not-me",),
}  # fmt: skip
NETWORK = "127.231.77.1"
SENT_SECONDS = 120.0


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


def kept(site: DrillSite) -> Iterator[tuple[str, bytes]]:
    """Yields what the site keeps: a dump, its log, and each file of its folder."""
    site.sql("CHECKPOINT")
    dump = [str(cluster.binaries() / "pg_dump"), "-h", str(site.folder / "postgres"), "-U", "undersigned"]
    yield "dump", subprocess.run([*dump, "undersigned"], capture_output=True, check=True).stdout
    yield "log", site.output.read_bytes()
    for file in site.folder.rglob("*"):
        try:
            if file.is_file():
                yield str(file.relative_to(site.folder)), file.read_bytes()
        except FileNotFoundError:
            continue  # PostgreSQL took it away meanwhile


def shown(site: DrillSite) -> Iterator[tuple[str, bytes]]:
    """Yields public pages."""
    letter = "/" + site.letter().split("/", 3)[3]
    for page in ("/", letter, f"{letter}signatories/", f"{letter}history/", f"/api/v1{letter}", "/readyz"):
        yield page, html.unescape(site.get(page)[1]).encode()


def search(site: DrillSite, name: str, outcome: Outcome) -> None:
    forms = disguises([Marked.word, NETWORK])
    places = size = named = 0
    found: set[tuple[str, str]] = set()
    for place, content in (*kept(site), *shown(site)):
        places, size, named = places + 1, size + len(content), named + (name.encode() in content)
        found |= {(word, place) for form, word in forms.items() if form in content}
    outcome.note = f"{size / 1e6:,.0f} MB in {places:,} places; a name that stays is in {named}"
    outcome.expect(named >= 2, "the search found no name")
    outcome.expect(not found, "found: " + ", ".join(sorted(f"{word} in {place}" for word, place in found)[:5]))


def wait_until_sent(site: DrillSite, group: str) -> bool:
    deadline = time.monotonic() + SENT_SECONDS
    while (left := site.unsent(group)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return not left


def try_it(site: DrillSite, group: str, each: int, port: int = 0) -> Outcome:
    site.empty_outbox()
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
        outcome.expect(owners_act(site, signers, STEPS[name]) <= {200, 303}, f"nobody {name}")
    outcome.expect_nothing_lost()
    search(site, groups["stays"].name_of(0), outcome)
    site.sql("DELETE FROM signatures_outboxmail")  # those that went to who is gone would count as half written
    return outcome


def on_site(site: DrillSite, is_short: bool) -> Outcome:
    return try_it(site, "Marked", 10 if is_short else 100)


def on_control(site: DrillSite, is_short: bool) -> Outcome:
    """The outbox keeps addresses as they are."""
    with tempfile.TemporaryDirectory(prefix="us-worse-") as folder:
        worse_copy.make(Path(folder) / "copy", MUTANTS / "03-plain-address.patch")
        with site.web_server(Path(folder) / "copy") as worse:
            return try_it(site, "Leaking", 5, worse.port)


DRILL = Drill(15, "words of the addresses", on_site, on_control, is_in_short=False)
