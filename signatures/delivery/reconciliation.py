"""Whether every figure agrees (DESIGN.md, rule 10).

Public count, snapshot, rows of the CSV, names in the PDF, leaves of the tree.
"""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db.models import Count
from django.utils import timezone
from django.utils.text import Truncator

from campaign.models import Letter
from signatures import counts
from signatures.audit import audit_log
from signatures.delivery import pdf, statement, zip_archive
from signatures.models import AuditEntry, Delivery, Signature
from signatures.registries import AlarmCode, AuditAction
from signatures.states import State

DAILY = timedelta(hours=23)
LONGEST = 300  # characters that the trail takes


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
    yield from check_letters()
    yield from check_delivered()


def check_letters() -> Iterator[Check]:
    for letter in Letter.objects.order_by("pk"):
        yield from check_letter(letter)


def check_delivered() -> Iterator[Check]:
    for delivery in Delivery.objects.exclude(state=Delivery.State.VOID).select_related("letter").order_by("pk"):
        yield from _of_delivery(delivery)


def is_due() -> bool:
    """Whether a day has gone by since all was checked."""
    return not AuditEntry.objects.filter(action=AuditAction.RECONCILE, at__gt=timezone.now() - DAILY).exists()


def check_deliveries() -> dict[AlarmCode, str]:
    """Check the deliveries, and put it on record; by the code of its alarm, a sentence on what does not agree.

    The letters' own figures are those of `watch.recount`.
    """
    differences = [str(check) for check in check_delivered() if not check.holds]
    audit_log.record(AuditAction.RECONCILE, detail={AlarmCode.DELIVERY_DRIFT: len(differences)})
    return {AlarmCode.DELIVERY_DRIFT: _sentence(differences)} if differences else {}


def _sentence(differences: list[str]) -> str:
    words = f"{len(differences)} checks do not agree, see manage.py reconcile: {'; '.join(differences)}"
    return Truncator(words).chars(LONGEST)


def check_letter(letter: Letter) -> Iterator[Check]:
    """The tally, from which every public figure comes, against the rows."""
    mine = Signature.objects.filter(letter=letter)
    tally = counts.for_letter(letter.pk)
    rows = dict(mine.values_list("state").annotate(Count("pk")))
    for state in State:
        yield Check(f"{letter.slug}, {state.value}", rows.get(state, 0), tally.in_state(state))
    named, counted = mine.deliverable().count(), mine.counted_only().count()
    unflagged = mine.filter(state=State.WAITING, flags=[]).count()
    yield Check(f"{letter.slug}, named", named, tally.named)
    yield Check(f"{letter.slug}, counted only", counted, tally.counted_only)
    yield Check(f"{letter.slug}, public names", mine.public().count(), tally.public)
    countries = dict(mine.public().order_by().values_list("country").annotate(Count("pk")))
    yield Check(f"{letter.slug}, countries that differ", 0, _differ(countries, counts.by_country(letter.pk)))
    yield Check(f"{letter.slug}, public count", named + counted + unflagged, tally.total)


def _differ(wanted: dict[str, int], found: dict[str, int]) -> int:
    return sum(wanted.get(key) != found.get(key) for key in wanted.keys() | found.keys())


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
    # Made anew without the words of somebody erased, it is another file, and its counts and root are the same.
    if not delivery.rows.filter(salt__isnull=True).exists():
        sound = zip_archive.sha256_of(package) == delivery.files[package.name]
        yield Check(f"{of}, digest of the package", "the same", "the same" if sound else "another")
    try:
        with zipfile.ZipFile(package) as bundle:
            manifested = json.loads(bundle.read(statement.MANIFEST))
            rows, leaves = (_rows(bundle, name) for name in (statement.CSV, statement.LEAVES))
            with bundle.open(statement.PDF) as document:
                printed = pdf.name_count(document)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        yield Check(f"{of}, the package can be read", "yes", type(error).__name__)
        return
    yield Check(f"{of}, root in the manifest", delivery.root, manifested["root"])
    for figure in ("delivered", "named", "counted_only", "waiting", "withdrawn", "rejected"):
        yield Check(f"{of}, {figure} in the manifest", wanted[figure], manifested["counts"][figure])
    yield Check(f"{of}, rows of the CSV", wanted["named"], rows)
    yield Check(f"{of}, names in the PDF", wanted["named"], printed)
    yield Check(f"{of}, leaves", wanted["delivered"], leaves)


def _rows(bundle: zipfile.ZipFile, name: str) -> int:
    with bundle.open(name) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as lines:
        return sum(1 for _row in csv.DictReader(lines))
