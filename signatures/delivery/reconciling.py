"""Whether every figure agrees (DESIGN.md, rule 10): public count, snapshot, rows of the CSV, leaves of the tree."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db.models import Count

from campaign.models import Letter
from signatures import counts
from signatures.delivery import archive, manifest
from signatures.models import Delivery, Signature, State


@dataclass(frozen=True, slots=True)
class Check:
    """One agreement that must hold. Holds figures and file names, never a name."""

    what: str
    wanted: Any
    found: Any

    @property
    def holds(self) -> bool:
        return bool(self.wanted == self.found)

    def __str__(self) -> str:
        return f"{self.what}: {self.found}" if self.holds else f"{self.what}: {self.found} instead of {self.wanted}"


def reconcile() -> Iterator[Check]:
    """Every check, of every letter and every delivery; none changes anything."""
    for letter in Letter.objects.order_by("pk"):
        yield from of_letter(letter)
    for delivery in Delivery.objects.exclude(state=Delivery.State.VOID).select_related("letter").order_by("pk"):
        yield from _of_delivery(delivery)


def of_letter(letter: Letter) -> Iterator[Check]:
    """The tally, from which every public figure comes, against the rows."""
    mine = Signature.objects.filter(letter=letter)
    tally = counts.of(letter.pk)
    rows = dict(mine.values_list("state").annotate(Count("pk")))
    for state in State:
        yield Check(f"{letter.slug}, {state.value}", rows.get(state, 0), tally.in_state(state))
    named, counted = mine.deliverable().count(), mine.counted_only().count()
    unflagged = mine.filter(state=State.WAITING, flags=[]).count()
    yield Check(f"{letter.slug}, named", named, tally.named)
    yield Check(f"{letter.slug}, counted only", counted, tally.counted_only)
    yield Check(f"{letter.slug}, public count", named + counted + unflagged, tally.total)


def _of_delivery(delivery: Delivery) -> Iterator[Check]:
    of, wanted = f"{delivery.letter.slug}-{delivery.number}", delivery.counts
    named = delivery.rows.filter(number__isnull=False)
    yield Check(f"{of}, named and counted only", wanted["delivered"], wanted["named"] + wanted["counted_only"])
    yield Check(f"{of}, rows of the snapshot", wanted["delivered"], delivery.rows.count())
    yield Check(f"{of}, named rows of the snapshot", wanted["named"], named.count())
    if delivery.root:
        package = delivery.package
        yield Check(f"{of}, the package is there", expected := "yes", expected if package.exists() else "no")
        if package.exists():
            yield from _of_package(of, package, delivery)


def _of_package(of: str, package: Path, delivery: Delivery) -> Iterator[Check]:
    """What lies in the package; in a broken one, what is broken first."""
    wanted = delivery.counts
    sound = archive.sha256_of(package) == delivery.files[package.name]
    yield Check(f"{of}, digest of the package", "the same", "the same" if sound else "another")
    try:
        with zipfile.ZipFile(package) as bundle:
            manifested = json.loads(bundle.read(manifest.MANIFEST))
            rows, leaves = (_rows(bundle, name) for name in (manifest.CSV, manifest.LEAVES))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        yield Check(f"{of}, the package can be read", "yes", type(error).__name__)
        return
    yield Check(f"{of}, root in the manifest", delivery.root, manifested["root"])
    for figure in ("delivered", "named", "counted_only", "waiting", "withdrawn", "rejected"):
        yield Check(f"{of}, {figure} in the manifest", wanted[figure], manifested["counts"][figure])
    yield Check(f"{of}, rows of the CSV", wanted["named"], rows)
    yield Check(f"{of}, leaves", wanted["delivered"], leaves)


def _rows(bundle: zipfile.ZipFile, name: str) -> int:
    with bundle.open(name) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as lines:
        return sum(1 for _row in csv.DictReader(lines))
