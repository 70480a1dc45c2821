"""Checks that all counts agree (architecture, rule 10): public count, snapshot, CSV, PDF, leaves."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.utils.text import Truncator

from campaign.models import Letter
from signatures import counts
from signatures.audit import audit_log
from signatures.delivery import manifest, package_store, pdf, snapshot
from signatures.models import Delivery, Signature
from signatures.registries import AlarmCode, AuditAction
from signatures.states import State

MAX_SENTENCE = 300  # characters that an audit entry takes
IN_MANIFEST = ("delivered", "named", "counted_only", "waiting", "withdrawn", "rejected")  # counts compared with it


@dataclass(frozen=True, slots=True)
class Check:
    """Two values that must agree. They are counts and file names, never names of people."""

    what: str
    expected: Any
    found: Any

    @property
    def holds(self) -> bool:
        return bool(self.expected == self.found)

    def __str__(self) -> str:
        return f"{self.what}: {self.found}" if self.holds else f"{self.what}: {self.found} instead of {self.expected}"


def reconcile() -> Iterator[Check]:
    """Runs every check of every letter and every delivery. It changes nothing."""
    for letter in Letter.objects.order_by("pk"):
        yield from check_letter(letter)
    yield from check_delivered()


def check_delivered() -> Iterator[Check]:
    for delivery in Delivery.objects.exclude(state=Delivery.State.VOID).select_related("letter").order_by("pk"):
        yield from _check_delivery(delivery)


def check_deliveries() -> dict[AlarmCode, str]:
    """Checks the deliveries and writes an audit entry. Returns sentences on differences, by the code of their alarm.

    The counts of letters are checked by `alarms.recount`.
    """
    differences = [str(check) for check in check_delivered() if not check.holds]
    audit_log.record(AuditAction.RECONCILE, detail={AlarmCode.DELIVERY_DRIFT: len(differences)})
    sentence = f"{len(differences)} checks do not agree, see manage.py reconcile: {'; '.join(differences)}"
    return {AlarmCode.DELIVERY_DRIFT: Truncator(sentence).chars(MAX_SENTENCE)} if differences else {}


def check_letter(letter: Letter) -> Iterator[Check]:
    """Checks the stored counts, from which every public count comes, against the rows."""
    signatures = Signature.objects.filter(letter=letter)
    stored, by_state = counts.for_letter(letter.pk), snapshot.rows_by_state(letter)
    for state in State:
        yield Check(f"{letter.slug}, {state.value}", by_state.get(state, 0), stored.in_state(state))
    named, counted = signatures.deliverable().count(), signatures.counted_only().count()
    unflagged = signatures.filter(state=State.WAITING, flags=[]).count()
    yield Check(f"{letter.slug}, named", named, stored.named)
    yield Check(f"{letter.slug}, counted only", counted, stored.counted_only)
    yield Check(f"{letter.slug}, public names", signatures.to_be_public().count(), stored.public)
    countries = dict(signatures.to_be_public().order_by().values_list("country").annotate(Count("pk")))
    shown = counts.by_country(letter.pk)
    differing = sum(countries.get(code) != shown.get(code) for code in countries.keys() | shown.keys())
    yield Check(f"{letter.slug}, countries that differ", 0, differing)
    yield Check(f"{letter.slug}, public count", named + counted + unflagged, stored.total)


def _check_delivery(delivery: Delivery) -> Iterator[Check]:
    expected, package = delivery.counts, delivery.package
    named = delivery.rows.filter(number__isnull=False)
    total = expected["named"] + expected["counted_only"]
    yield Check(f"{delivery}, named and counted only", expected["delivered"], total)
    yield Check(f"{delivery}, rows of the snapshot", expected["delivered"], delivery.rows.count())
    yield Check(f"{delivery}, named rows of the snapshot", expected["named"], named.count())
    if delivery.root:
        is_there = package_store.exists(package)
        yield Check(f"{delivery}, the package is there", "yes", "yes" if is_there else "no")
        if is_there:
            yield from _check_package(delivery, package)


def _check_package(delivery: Delivery, package: str) -> Iterator[Check]:
    """Checks what the package holds; of one that cannot be read, only the first fault."""
    expected = delivery.counts
    # Rebuilt without the words of somebody erased, it is another file with the same counts and root.
    if not delivery.rows.filter(salt__isnull=True).exists():
        is_same = package_store.sha256_of(package) == delivery.files[package]
        yield Check(f"{delivery}, digest of the package", "the same", "the same" if is_same else "another")
    try:
        with package_store.open_package(package) as file, zipfile.ZipFile(file) as archive:
            claims = json.loads(archive.read(manifest.MANIFEST))
            rows, leaves = (_count_rows(archive, name) for name in (manifest.CSV, manifest.LEAVES))
            with archive.open(manifest.PDF) as document:
                names = pdf.name_count(document)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        yield Check(f"{delivery}, the package can be read", "yes", type(error).__name__)
        return
    yield Check(f"{delivery}, root in the manifest", delivery.root, claims["root"])
    for name in IN_MANIFEST:
        yield Check(f"{delivery}, {name} in the manifest", expected[name], claims["counts"][name])
    yield Check(f"{delivery}, rows of the CSV", expected["named"], rows)
    yield Check(f"{delivery}, names in the PDF", expected["named"], names)
    yield Check(f"{delivery}, leaves", expected["delivered"], leaves)


def _count_rows(archive: zipfile.ZipFile, name: str) -> int:
    with archive.open(name) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as lines:
        return sum(1 for _row in csv.DictReader(lines))
