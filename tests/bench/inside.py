"""Exports in a process of their own, which tells the time and the memory they took. Run by `manage.py shell -c`."""

import json
import os
import threading
import time
from dataclasses import asdict
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
    over, most = threading.Event(), [0.0]
    watch = threading.Thread(target=watched, args=(over, most))
    watch.start()
    started = time.perf_counter()
    report = snapshot.export_pdf(letter, Path(out), by=None)
    seconds = time.perf_counter() - started
    over.set()
    watch.join()
    print(json.dumps({"seconds": seconds, "memory": most[0], **asdict(report)}))


def watched(over: threading.Event, most: list[float]) -> None:
    """The most that this process and those it had at one time have held, in MiB: never too little."""
    me = os.getpid()
    while not over.wait(0.02):
        children = Path(f"/proc/{me}/task/{me}/children").read_text().split()
        most[0] = max(most[0], sum(map(peak, ["self", *children])))


def empty_letter(slug: str) -> None:
    if not Letter.objects.filter(slug=slug).exists():
        make_letter(slug)
