"""Checks that all counts agree (architecture, rule 10): public count, snapshot, CSV, PDF, leaves."""

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.utils.text import Truncator

from campaign.models import Letter
from signatures import counts
from signatures.audit import audit_log
from signatures.delivery import errata, package_store, pdf, snapshot, statement
from signatures.models import Delivery, Signature
from signatures.registries import AlarmCode, AuditAction
from signatures.states import State

MAX_SENTENCE = 300  # characters that an audit entry takes


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
    for delivery in Delivery.objects.select_related("letter").order_by("pk"):
        yield Check(f"{delivery}, words of who is erased", 0, errata.words_of_nobody(delivery.rows.all()).count())
        if delivery.state != Delivery.State.VOID:
            yield from _check_delivery(delivery)
        else:
            is_gone = not package_store.exists(delivery.package)
            yield Check(f"{delivery}, void: the package is deleted", "yes", "yes" if is_gone else "no")


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
    if delivery.has_statement:
        yield from _check_statement(delivery)
    if delivery.root:
        is_there = package_store.exists(package)
        yield Check(f"{delivery}, the package is there", "yes", "yes" if is_there else "no")
        if is_there:
            yield from _check_package(delivery, package)


def _check_package(delivery: Delivery, package: str) -> Iterator[Check]:
    """Checks what the package holds; of one that cannot be read, only the first fault. Version 0.9 made other ones."""
    edition = delivery.editions.last()
    if edition is None:
        # Made again without the words of somebody erased, it is another file with the same counts and root.
        if not delivery.erasures.exists() and package in delivery.files:
            yield _same(f"{delivery}, digest of the package", package_store.sha256_of(package), delivery.files[package])
        return
    yield _same(f"{delivery}, digest of the package", package_store.sha256_of(package), edition.package)
    erased = delivery.rows.filter(salt__isnull=True).count()
    yield Check(f"{delivery}, erasures with a record", erased, delivery.erasures.count())
    yield Check(f"{delivery}, erasures in the newest edition", erased, edition.erased)
    expected = delivery.counts
    try:
        with package_store.open_package(package) as file, zipfile.ZipFile(file) as archive:
            digests = {
                name.partition("/")[2]: _digest_in(archive, name)
                for name in archive.namelist()
                if name.removeprefix(f"{delivery}/") != f"{statement.FILES}{statement.SIGNATURE}"
            }
            listed = digests.pop(statement.FILES, "none")
            rows, leaves = (_count_rows(archive, f"{delivery}/{name}") for name in (statement.CSV, statement.LEAVES))
            with archive.open(f"{delivery}/{statement.PDF}") as document:
                names = pdf.name_count(document)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        yield Check(f"{delivery}, the package can be read", "yes", type(error).__name__)
        return
    yield _same(f"{delivery}, statement", digests.get(statement.STATEMENT, "none"), delivery.digest)
    yield _same(f"{delivery}, list of the files", listed, edition.digest)
    differing = sum(digests.get(name) != edition.files.get(name) for name in digests.keys() | edition.files.keys())
    yield Check(f"{delivery}, files that differ from their edition", 0, differing)
    yield Check(f"{delivery}, rows of the CSV", expected["named"], rows)
    yield Check(f"{delivery}, names in the PDF", expected["named"], names)
    yield Check(f"{delivery}, leaves", expected["delivered"], leaves)


def _same(what: str, found: str, expected: str) -> Check:
    return Check(what, "the same", "the same" if found == expected else "another")


def _check_statement(delivery: Delivery) -> Iterator[Check]:
    """Checks the stored statement against its digest, the counts and the root of the row."""
    claims = delivery.claims
    yield _same(f"{delivery}, stored statement", statement.digest_of(delivery.statement.encode()), delivery.digest)
    yield Check(f"{delivery}, root in the statement", delivery.root, claims["list"]["root"])
    for name in statement.COUNTS:
        yield Check(f"{delivery}, {name} in the statement", delivery.counts[name], claims["counts"][name])


def _digest_in(archive: zipfile.ZipFile, name: str) -> str:
    with archive.open(name) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # any file of bytes


def _count_rows(archive: zipfile.ZipFile, name: str) -> int:
    with archive.open(name) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as lines:
        return sum(1 for _row in csv.DictReader(lines))
