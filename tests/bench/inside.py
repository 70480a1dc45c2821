"""Exports in a process of their own, which tells the time and the memory they took. Run by `manage.py shell -c`."""

import json
import resource
import time
from pathlib import Path

from campaign.models import Letter
from signatures.delivery import snapshot
from tests.bench.platypus import peak
from tests.makers import make_letter


def csv(slug: str, out: str) -> None:
    letter = Letter.objects.get(slug=slug)
    started = time.perf_counter()
    with Path(out).open("wb") as file:
        rows = snapshot.export_csv(letter, file, by=None)
    print(json.dumps({"seconds": time.perf_counter() - started, "peak": peak(), "rows": rows}))


def pdf(slug: str, out: str) -> None:
    letter = Letter.objects.get(slug=slug)
    started = time.perf_counter()
    report = snapshot.export_pdf(letter, Path(out), by=None)
    seconds = time.perf_counter() - started
    typesetter = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "seconds": seconds,
                "peak": peak(),
                "typesetter": typesetter,
                "names": report.names,
                "missing": report.missing,
                "standards": report.standards,
            }
        )
    )


def empty_letter(slug: str) -> None:
    if not Letter.objects.filter(slug=slug).exists():
        make_letter(slug)
