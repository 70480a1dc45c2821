"""Whether a package is what was delivered: every digest, count and leaf, and the root, from the ZIP alone."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from itertools import product
from typing import IO, Any, NamedTuple

from signatures.delivery import receipts, statement, zip_archive
from signatures.delivery.csv_export import COLUMNS, LEAF_COLUMNS
from signatures.states import Kind

MANY = 10  # faults of one kind; what follows says no more
LONGEST_MANIFEST = 1 << 20

_LEAF = re.compile(rb"(\d{0,9}),([0-9a-f]{64})?,([0-9a-f]{64})\r\n")


class Finding(NamedTuple):
    """One thing that was looked at: it holds, it does not, or only a person can tell, by comparing."""

    holds: bool | None
    said: str


def verify(file: IO[bytes], *, receipt: str = "", step: zip_archive.Progress) -> Iterator[Finding]:
    """Look at everything, in turn; what cannot be looked at because of a fault before it is left out."""
    entries, faults = zip_archive.read_zip(file, statement.FILES, step=step)
    yield from _all(faults, f"the archive holds {len(entries)} files and not a byte beside them")
    if len(entries) < len(statement.FILES):
        return
    parts = {entry.name: entry for entry in entries}
    try:
        told = _manifest(file, parts[statement.MANIFEST])
    except statement.MalformedManifest as error:
        yield Finding(holds=False, said=f"{statement.MANIFEST}: {error}")
        return
    yield Finding(holds=True, said=f"letter {told['letter']}, delivery {told['delivery']}")
    for name in statement.DIGESTED:
        wanted, found = told["files"][name], parts[name].sha256
        said = f"{name}: SHA-256 {found}" + ("" if wanted == found else f", and not {wanted}")
        yield Finding(holds=wanted == found, said=said)
    yield from _figures(told["counts"])
    yield from _rows(file, parts, told, step)
    if receipt:
        yield _receipt(receipt, told)
    yield Finding(holds=None, said=f"root {told['root']}")
    yield Finding(holds=None, said=f"{statement.MANIFEST}: SHA-256 {parts[statement.MANIFEST].sha256}")
    file.seek(0)
    yield Finding(holds=None, said=f"the ZIP itself: SHA-256 {hashlib.file_digest(file, 'sha256').hexdigest()}")  # type: ignore[arg-type]  # any open file does


def _all(faults: Sequence[str], otherwise: str) -> Iterator[Finding]:
    """The faults, or that there is none."""
    yield from (Finding(holds=False, said=fault) for fault in faults)
    if not faults:
        yield Finding(holds=True, said=otherwise)


def _manifest(file: IO[bytes], entry: zip_archive.ZipEntry) -> dict[str, Any]:
    if entry.size > LONGEST_MANIFEST:
        raise statement.MalformedManifest("it is too long")
    file.seek(entry.begins)
    return statement.parse_manifest(file.read(entry.size))


def _figures(counts: dict[str, Any]) -> Iterator[Finding]:
    """What the manifest's own figures must agree in."""
    named, counted, delivered = (counts[name] for name in ("named", "counted_only", "delivered"))
    yield Finding(delivered == named + counted, f"delivered {delivered} = named {named} + counted only {counted}")
    of_texts = sum(counts["revisions"].values())
    yield Finding(of_texts == delivered, f"the signatures of all revisions are {of_texts}, of {delivered} delivered")
    at_most = delivered + counts["waiting"]
    holds = delivered <= counts["public_count"] <= at_most
    said = f"the count on the page was {counts['public_count']}: delivered {delivered}, with all who waited {at_most}"
    yield Finding(holds, said)


def _rows(
    file: IO[bytes], parts: dict[str, zip_archive.ZipEntry], told: dict[str, Any], step: zip_archive.Progress
) -> Iterator[Finding]:
    walk = _Walk(file, parts[statement.CSV], parts[statement.LEAVES], step)
    tree = receipts.build(walk.leaves())
    counts, wrong = told["counts"], walk.faults
    yield from _all(wrong, f"each of {walk.named - walk.erased} rows with its salt gives its leaf")
    if walk.stopped:
        return
    for name, found, where in (
        ("named", walk.named, f"rows in {statement.CSV} and leaves with a number"),
        ("counted_only", walk.counted, "leaves without a number"),
        ("delivered", tree.size, f"leaves in {statement.LEAVES}"),
    ):
        wanted = counts[name]
        yield Finding(found == wanted, f"{found} {where}" + ("" if found == wanted else f", and not {wanted}"))
    if walk.erased:
        yield Finding(
            holds=True, said=f"erased since the freezing: {walk.erased}, whose leaf is there and whose words are not"
        )
    elif not wrong:
        wanted = counts["organizations"]
        said = f"{walk.organizations} rows are of organizations, and the manifest counts {wanted}"
        yield Finding(walk.organizations == wanted, said)
    root = tree.root.hex()
    said = f"the root over all leaves is {root}" + ("" if root == told["root"] else f", and not {told['root']}")
    yield Finding(root == told["root"], said)


class _Walk:
    """Goes through leaves and rows side by side."""

    def __init__(
        self, file: IO[bytes], rows: zip_archive.ZipEntry, leaves: zip_archive.ZipEntry, step: zip_archive.Progress
    ) -> None:
        text = io.TextIOWrapper(
            io.BufferedReader(_Part(file, rows)), encoding="utf-8-sig", errors="surrogateescape", newline=""
        )
        self._rows = csv.reader(text, strict=True)
        self._lines = io.BufferedReader(_Part(file, leaves))
        self._step, self._weight = step, leaves.ends / leaves.size  # altogether as much as was read before
        self.named = self.counted = self.erased = self.organizations = 0
        self.faults: list[str] = []
        self.stopped = False

    def leaves(self) -> Iterator[bytes]:
        """Each leaf, once the row it belongs to was looked at."""
        if self._row() != list(COLUMNS):
            self._fault(statement.CSV, 1, "the columns are not named as they must be")
        if self._lines.readline() != ",".join(LEAF_COLUMNS).encode() + b"\r\n":
            self._fault(statement.LEAVES, 1, "the columns are not named as they must be")
        for at, line in enumerate(self._lines, start=2):
            found = _LEAF.fullmatch(line)
            if found is None:
                self._fault(statement.LEAVES, at, "this is not number, salt and leaf")
                self.stopped = True  # there is no root without it
                return
            number, salt, leaf = found.groups()
            self._step(len(line) * self._weight)
            if number:
                self._look(at, number.decode(), salt, leaf.decode())
            else:
                self.counted += 1
                if salt:
                    self._fault(statement.LEAVES, at, "a salt without a number")
            yield bytes.fromhex(leaf.decode())
        if self._row() is not None:
            self._fault(statement.CSV, self._rows.line_num, "a row without a leaf")

    def _look(self, at: int, number: str, salt: bytes | None, leaf: str) -> None:
        self.named += 1
        if number != str(self.named) or self.counted:
            self._fault(statement.LEAVES, at, f"number {number} stands where {self.named} must")
        row = self._row()
        if row is None:
            self._fault(statement.LEAVES, at, f"there is no row for number {number}")
        elif len(row) != len(COLUMNS) or row[0] != number:
            self._fault(statement.CSV, self._rows.line_num, f"this is not the row of number {number}")
        elif salt is None:
            self.erased += 1
            if any(row[1:]):
                self._fault(statement.CSV, self._rows.line_num, f"number {number} has words, but its leaf has no salt")
        else:
            self.organizations += row[1] == Kind.ORGANIZATION
            if not any(receipts.leaf_hash(bytes.fromhex(salt.decode()), said).hex() == leaf for said in _said(row)):
                said = f"row and salt do not give the leaf of number {number} in line {at} of {statement.LEAVES}"
                self._fault(statement.CSV, self._rows.line_num, said)

    def _row(self) -> list[str] | None:
        try:
            return next(self._rows, None)
        except csv.Error:
            return []

    def _fault(self, name: str, line: int, why: str) -> None:
        if len(self.faults) < MANY:
            self.faults.append(f"{name}, line {line}: {why}")


def _said(row: list[str]) -> Iterator[str]:
    """What the row may have been before the formula guard: an apostrophe can be ours or the signer's."""
    cells = [[cell[1:], cell] if cell.startswith("'") else [cell] for cell in row]
    return (receipts.leaf_content(one) for one in product(*cells))


def _receipt(pasted: str, told: dict[str, Any]) -> Finding:
    try:
        receipts.verify_receipt(
            receipts.parse(pasted),
            letter=told["letter"],
            number=told["delivery"],
            size=told["counts"]["delivered"],
            root=told["root"],
        )
    except receipts.ProofBroken as reason:
        return Finding(holds=False, said=f"receipt: {reason}")
    return Finding(holds=True, said="the receipt belongs to this delivery")


class _Part(io.RawIOBase):
    """The bytes of one file of the archive; several may be read in turns."""

    def __init__(self, file: IO[bytes], entry: zip_archive.ZipEntry) -> None:
        super().__init__()
        self._file, self._at, self._end = file, entry.begins, entry.ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._at)
        chunk = self._file.read(min(len(buffer), self._end - self._at))
        buffer[: len(chunk)] = chunk
        self._at += len(chunk)
        return len(chunk)
