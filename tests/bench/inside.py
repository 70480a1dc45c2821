"""Exports in a process of their own, which prints the time and memory they took. Run by `manage.py shell -c`."""

import contextlib
import json
import os
import random
import statistics
import threading
import time
from dataclasses import asdict
from pathlib import Path

from django.db import connection

from campaign.models import Letter
from signatures.delivery import (
    building,
    exports,
    freezing,
    merkle,
    package,
    package_store,
    receipts,
    signing_key,
    statement,
)
from signatures.delivery.checker import check
from signatures.models import Delivery, DeliveryEntry
from tests.bench.platypus import peak
from tests.factories import make_letter


def csv(slug: str, out: str) -> None:
    letter = Letter.objects.get(slug=slug)
    started = time.perf_counter()
    with Path(out).open("wb") as file:
        rows = exports.export_list(letter, file, by=None, reason="a test")
    print(json.dumps({"seconds": time.perf_counter() - started, "peak": peak(), "rows": rows}))


def pdf(slug: str, out: str) -> None:
    letter = Letter.objects.get(slug=slug)
    over, most = threading.Event(), [0.0]
    thread = threading.Thread(target=measure_memory, args=(over, most))
    thread.start()
    started = time.perf_counter()
    report = exports.export_pdf(letter, Path(out), by=None, reason="a test")
    seconds = time.perf_counter() - started
    over.set()
    thread.join()
    print(json.dumps({"seconds": seconds, "memory": most[0], **asdict(report)}))


def measure_memory(over: threading.Event, most: list[float]) -> None:
    """Measures the most memory of this process and all below it together, in MiB. What they share counts once."""
    while not over.wait(0.02):
        family = [str(os.getpid())]
        for process in family:  # which grows
            with contextlib.suppress(OSError):  # it has just ended
                family += Path(f"/proc/{process}/task/{process}/children").read_text().split()
        most[0] = max(most[0], sum(map(share_of_memory, family)))


def share_of_memory(process: str) -> float:
    try:
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        return int(rollup.partition("\nPss:")[2].split()[0]) / 1024
    except (OSError, IndexError):
        return 0.0  # it has just ended


def empty_letter(slug: str) -> None:
    if not Letter.objects.filter(slug=slug).exists():
        make_letter(slug)


def tree(slug: str, out: str) -> None:
    """Makes a delivery with statement and package, with any bytes in place of the letter; `seconds` is all of it."""
    folder, started, before = Path(out), time.perf_counter(), peak()
    delivery = freezing.freeze(Letter.objects.get(slug=slug), by=None, reason="a bench")
    frozen = time.perf_counter() - started
    key = signing_key.load()
    begun = time.perf_counter()
    _named, written = package.write_entries(delivery.rows.all(), folder)
    rows = time.perf_counter() - begun
    building._require_statement(delivery, written, key)
    package.write_statement(folder, delivery)
    (folder / statement.PDF).write_bytes(b"%PDF-1.7")
    building._store_edition(delivery, folder, key)
    Delivery.objects.filter(pk=delivery.pk).update(state="ready")
    seconds, memory = time.perf_counter() - started, peak() - before
    with (folder / statement.LEAVES).open("rb") as file:
        leaves = list(package.read_leaves(file))
    started = time.perf_counter()
    built = merkle.build_tree(iter(leaves))
    alone = time.perf_counter() - started
    packed = Path(package_store.place(delivery.package))
    started = time.perf_counter()
    wrong = check.check(packed, check.Expected()).faults
    verify = time.perf_counter() - started
    if wrong or built != written:
        raise SystemExit(f"the package does not hold: {wrong}")
    print(json.dumps({
        "leaves": built.size, "tree": alone, "rows": rows, "memory": memory, "freeze": frozen, "seconds": seconds,
        "verify": verify,
    }))  # fmt: skip


def receipts_of(slug: str, number: int) -> None:
    """Issues so many receipts one after the other, each with the query of the personal page."""
    delivery = Delivery.objects.get(letter__slug=slug)
    size = delivery.counts["delivered"]
    took = []
    connection.ensure_connection()
    for place in random.Random(1).sample(range(size), number):
        started = time.perf_counter()
        row = DeliveryEntry.objects.select_related("delivery__letter").get(delivery=delivery.pk, place=place)
        receipts.issue(row)  # which also checks it
        took.append((time.perf_counter() - started) * 1000)
    print(json.dumps({"median": statistics.median(took), "most": statistics.quantiles(took, n=20)[-1]}))
