"""The static mirror: everything with 100,000 names, and one withdrawal among 290,000, as commands of their own."""

import os
import resource
import statistics
import time
from pathlib import Path

from tests.bench.fixture import SLUG, BenchSite
from tests.bench.table import Row, say

MAX_FULL, MAX_ONE, MAX_RATIO, MIN_BUSY = 60, 10, 0.2, 1.5
WITHDRAW = """
from signatures.models import Signature
from signatures.signing import withdrawal
public = Signature.objects.filter(letter__slug={slug!r}).public().listed_by_page("person").newest_first()
row = public[int(public.count() * {place})]
print(row.public_id)
withdrawal.withdraw(row)
"""


def run(sites: dict[str, BenchSite], *, quick: bool) -> list[Row]:
    few, busy, _said = mirror(sites["100k-public"])
    many, _busy, _said = mirror(sites["290k-public"])
    found, faults = [], []
    for place in (0.5,) if quick else (0.5, 0.1, 0.9, 0.3, 0.7):
        code = WITHDRAW.format(slug=SLUG, place=place)
        gone = sites["290k-public"].manage("shell", "-v0", "--no-imports", "-c", code).split()[-1]
        found.append(mirror(sites["290k-public"])[0])
        faults += [f"{gone} is still there"] if is_named(gone, folder_of(sites["290k-public"])) else []
    one = statistics.median(found)
    say("  one withdrawal: " + ", ".join(f"{seconds:.1f} s" for seconds in found))
    return [
        Row("mirror of 100,000 names, everything", few, "s", None, MAX_FULL, at_least=False),
        Row("mirror of 100,000 names: processors at work", busy, "", None, min(MIN_BUSY, cores()), at_least=True),
        Row("mirror after one withdrawal among 290,000", one, "s", None, MAX_ONE, at_least=False, faults=faults),
        Row("mirror: one withdrawal / everything", one, "s", many, MAX_RATIO, at_least=False),
    ]


def mirror(site: BenchSite) -> tuple[float, float, str]:
    """Returns the seconds that the command took, how many processors it used, and what it said."""
    before, started = processor_seconds(), time.perf_counter()
    said = site.manage("mirror", str(folder_of(site)))
    seconds = time.perf_counter() - started
    busy = (processor_seconds() - before) / seconds
    say(f"  {site.folder.name}: {seconds:.1f} s, {busy:.2f} processors: {said.strip()}")
    return seconds, busy, said


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def folder_of(site: BenchSite) -> Path:
    return site.folder / "mirror"


def is_named(public_id: str, folder: Path) -> bool:
    wanted = public_id.encode()
    return any(wanted in file.read_bytes() for file in folder.rglob("*.html"))


def cores() -> float:
    return float(os.process_cpu_count() or 1)
