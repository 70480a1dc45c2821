"""Confirmations on personal pages, one per signature."""

import random
import uuid

from signatures.values import tokens
from tests.bench import yardstick_table
from tests.bench.fixture import BenchSite
from tests.bench.load import Load, write_lines
from tests.bench.table import Row, alternate

UNCONFIRMED = "SELECT public_id::text, name, country FROM signatures_submission WHERE country <> '' AND name <> ''"
FASTEST = 4_000  # bare updates per second; no machine is faster


def run(sites: dict[str, BenchSite], *, quick: bool) -> list[Row]:
    seconds, rounds = (1, 1) if quick else (3, 5)
    site = sites["100k"]
    # More than there is time for: waiting and rejected signatures become submissions again.
    columns = (
        "id, public_id, letter_id, translation_id, kind, name, role, organization, spokesperson, country, comment, "
        "visibility, language, address_hash, mailbox, domains, network, marks, flags, signed_up_at, place"
    )
    chosen = "state IN ('waiting', 'rejected') AND visibility <> 'counted'"
    site.sql(f"INSERT INTO signatures_submission ({columns}) SELECT {columns} FROM signatures_signature WHERE {chosen}")
    site.sql(f"DELETE FROM signatures_signature WHERE {chosen}")
    site.sql("VACUUM ANALYZE signatures_signature")
    site.sql("VACUUM ANALYZE signatures_submission")
    people = site.sql(UNCONFIRMED)
    random.Random(1).shuffle(people)
    words = {
        "action": "confirm", "kind": "person", "role": "Teacher", "organization": "",
        "visibility": "public", "comment": "", "consent": "on", "text": site.form()["text"],
    }  # fmt: skip
    ours = (
        (f"/signature/{tokens.personal_token(uuid.UUID(key))}/", {**words, "name": name, "country": country})
        for key, name, country in people
    )
    yardstick_table.make(site)
    chance = random.Random(2)
    base = (
        ("/update", {"id": str(chance.randint(1, site.rows)), "name": f"Jürgen Müller-{number}"})
        for number in range(FASTEST * (seconds + 1) * rounds)
    )
    with site.yardstick() as bare:
        loads = {
            "bare update": Load(bare, lines=write_lines(site.folder / "update.txt", base)),
            "confirm": Load(site.url, lines=write_lines(site.folder / "confirm.txt", ours)),
        }
        for load in loads.values():
            load.run(1)
        found = alternate({name: lambda load=load: load.run(seconds) for name, load in loads.items()}, rounds)  # type: ignore[misc]
    left = len(site.sql(UNCONFIRMED))
    faults = [fault for load in loads.values() for fault in load.faults]
    if len(people) - left < loads["confirm"].answered:
        faults.append(f"{loads['confirm'].answered} answers, but {len(people) - left} confirmed")
    return [
        Row(
            "confirm at 100 k / bare update view",
            found["confirm"],
            "req/s",
            found["bare update"],
            0.25,
            at_least=True,
            faults=faults,
        )
    ]
