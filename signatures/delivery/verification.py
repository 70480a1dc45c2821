"""Checks whether a package is what was delivered: every digest, count and leaf, and the root, from the ZIP alone."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, NamedTuple

from campaign.runtime.regular_expressions import linear
from signatures.delivery import manifest, merkle, receipts, zip_archive
from signatures.delivery.csv_export import COLUMNS, LEAF_COLUMNS
from signatures.states import Kind
from signatures.values import csv_cells

MAX_FAULTS = 10  # of the entries; more of them say nothing new
MAX_MANIFEST_BYTES = 1 << 20
WRONG_COLUMNS = "the columns are not named as they must be"

_LEAF_LINE = linear(rb"\A(\d{0,9}),([0-9a-f]{64})?,([0-9a-f]{64})\r\n")

Parts = Mapping[str, zip_archive.ZipEntry]  # by file name


class Finding(NamedTuple):
    """The result of one check. `holds` is None where only a person can tell, by comparing."""

    holds: bool | None
    text: str


def verify(file: IO[bytes], *, receipt: str = "", progress: zip_archive.Progress) -> Iterator[Finding]:
    """Checks everything, one thing after the other. What an earlier fault makes impossible to check is left out.

    A `receipt` must belong to the package. `progress` is called with the number of bytes that were read; they add up to
    twice the size of the package.
    """
    entries, faults = zip_archive.read_zip(file, manifest.FILES, progress=progress)
    yield from _faults_or(f"the archive holds {len(entries)} files and not a byte beside them", faults)
    if len(entries) < len(manifest.FILES):
        return
    parts = {entry.name: entry for entry in entries}
    try:
        claims = _read_manifest(file, parts[manifest.MANIFEST])
    except manifest.MalformedManifest as error:
        yield Finding(holds=False, text=f"{manifest.MANIFEST}: {error}")
        return
    yield Finding(holds=True, text=f"letter {claims['letter']}, delivery {claims['delivery']}")
    yield from _check_digests(parts, claims["files"])
    yield from _check_counts(claims["counts"])
    yield from _check_entries(file, parts, claims, progress)
    if receipt:
        yield _check_receipt(receipt, claims)
    yield from _to_compare(file, parts, claims["root"])


def _faults_or(success: str, faults: Sequence[str]) -> Iterator[Finding]:
    """Returns the faults, or the sentence that there is none."""
    yield from (Finding(holds=False, text=fault) for fault in faults)
    if not faults:
        yield Finding(holds=True, text=success)


def _equal(found: Any, expected: Any, text: str) -> Finding:
    return Finding(found == expected, text if found == expected else f"{text}, and not {expected}")


def _read_manifest(file: IO[bytes], entry: zip_archive.ZipEntry) -> dict[str, Any]:
    if entry.size > MAX_MANIFEST_BYTES:
        raise manifest.MalformedManifest("it is too long")
    file.seek(entry.start)
    return manifest.parse_manifest(file.read(entry.size))


def _check_digests(parts: Parts, digests: dict[str, str]) -> Iterator[Finding]:
    for name in manifest.DIGESTED:
        yield _equal(parts[name].sha256, digests[name], f"{name}: SHA-256 {parts[name].sha256}")


def _check_counts(counts: dict[str, Any]) -> Iterator[Finding]:
    """Checks that the counts of the manifest agree with each other."""
    named, counted, delivered = (counts[name] for name in ("named", "counted_only", "delivered"))
    yield Finding(delivered == named + counted, f"delivered {delivered} = named {named} + counted only {counted}")
    in_revisions = sum(counts["revisions"].values())
    text = f"the signatures of all revisions are {in_revisions}, of {delivered} delivered"
    yield Finding(in_revisions == delivered, text)
    at_most, public = delivered + counts["waiting"], counts["public_count"]
    text = f"the count on the page was {public}: delivered {delivered}, with all who waited {at_most}"
    yield Finding(delivered <= public <= at_most, text)


def _check_entries(
    file: IO[bytes], parts: Parts, claims: dict[str, Any], progress: zip_archive.Progress
) -> Iterator[Finding]:
    reader = _EntryReader(file, parts[manifest.CSV], parts[manifest.LEAVES], progress)
    tree = merkle.build_tree(reader.leaves())
    counts, root = claims["counts"], tree.root.hex()
    yield from _faults_or(f"each of {reader.named - reader.erased} rows with its salt gives its leaf", reader.faults)
    if reader.is_unreadable:
        return
    for name, found, what in (
        ("named", reader.named, f"rows in {manifest.CSV} and leaves with a number"),
        ("counted_only", reader.counted, "leaves without a number"),
        ("delivered", tree.size, f"leaves in {manifest.LEAVES}"),
    ):
        yield _equal(found, counts[name], f"{found} {what}")
    if reader.erased:
        text = f"erased since the freezing: {reader.erased}, whose leaf is there and whose words are not"
        yield Finding(holds=True, text=text)
    elif not reader.faults:
        found, expected = reader.organizations, counts["organizations"]
        yield Finding(found == expected, f"{found} rows are of organizations, and the manifest counts {expected}")
    yield _equal(root, claims["root"], f"the root over all leaves is {root}")


class _EntryReader:
    """Reads leaves and rows side by side, counts them, and collects faults."""

    def __init__(
        self,
        file: IO[bytes],
        rows: zip_archive.ZipEntry,
        leaves: zip_archive.ZipEntry,
        progress: zip_archive.Progress,
    ) -> None:
        text = io.TextIOWrapper(
            io.BufferedReader(_PartOfFile(file, rows)), encoding="utf-8-sig", errors="surrogateescape", newline=""
        )
        self._rows = csv.reader(text, strict=True)
        self._lines = io.BufferedReader(_PartOfFile(file, leaves))
        # Reading the leaves reports as many bytes as reading the archive did, so that both halves take equal progress.
        self._progress, self._weight = progress, leaves.end / leaves.size
        self.named = self.counted = self.erased = self.organizations = 0
        self.faults: list[str] = []
        self.is_unreadable = False

    def leaves(self) -> Iterator[bytes]:
        """Returns each leaf, after its row was checked."""
        if self._next_row() != list(COLUMNS):
            self._fault(manifest.CSV, 1, WRONG_COLUMNS)
        if self._lines.readline() != ",".join(LEAF_COLUMNS).encode() + b"\r\n":
            self._fault(manifest.LEAVES, 1, WRONG_COLUMNS)
        for line_number, line in enumerate(self._lines, start=2):
            found = _LEAF_LINE.fullmatch(line)
            if found is None:
                self._fault(manifest.LEAVES, line_number, "this is not number, salt and leaf")
                self.is_unreadable = True  # without this leaf there is no root
                return
            self._progress(len(line) * self._weight)
            number, salt, leaf = (cell.decode() for cell in found.groups(default=b""))
            if number:
                self._check_named(line_number, number, salt, leaf)
            else:
                self.counted += 1
                if salt:
                    self._fault(manifest.LEAVES, line_number, "a salt without a number")
            yield bytes.fromhex(leaf)
        if self._next_row() is not None:
            self._fault(manifest.CSV, self._rows.line_num, "a row without a leaf")

    def _check_named(self, line: int, number: str, salt: str, leaf: str) -> None:
        self.named += 1
        if number != str(self.named) or self.counted:
            self._fault(manifest.LEAVES, line, f"number {number} is where number {self.named} must be")
        row = self._next_row()
        if row is None:
            self._fault(manifest.LEAVES, line, f"there is no row for number {number}")
        elif len(row) != len(COLUMNS) or row[0] != number:
            self._fault(manifest.CSV, self._rows.line_num, f"this is not the row of number {number}")
        elif not salt:
            self.erased += 1
            if any(row[1:]):
                text = f"number {number} has words, but its leaf has no salt"
                self._fault(manifest.CSV, self._rows.line_num, text)
        else:
            self.organizations += row[1] == Kind.ORGANIZATION
            if not _gives_leaf(row, bytes.fromhex(salt), leaf):
                text = f"row and salt do not give the leaf of number {number} in line {line} of {manifest.LEAVES}"
                self._fault(manifest.CSV, self._rows.line_num, text)

    def _next_row(self) -> list[str] | None:
        try:
            return next(self._rows, None)
        except csv.Error:
            return []

    def _fault(self, name: str, line: int, text: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(f"{name}, line {line}: {text}")


def _gives_leaf(row: list[str], salt: bytes, leaf: str) -> bool:
    contents = map(receipts.leaf_content, csv_cells.unguarded(row))
    return any(receipts.leaf_hash(salt, content).hex() == leaf for content in contents)


def _check_receipt(text: str, claims: dict[str, Any]) -> Finding:
    try:
        receipts.verify_receipt(
            receipts.parse(text),
            letter=claims["letter"],
            number=claims["delivery"],
            size=claims["counts"]["delivered"],
            root=claims["root"],
        )
    except receipts.InvalidReceipt as reason:
        return Finding(holds=False, text=f"receipt: {reason}")
    return Finding(holds=True, text="the receipt belongs to this delivery")


def _to_compare(file: IO[bytes], parts: Parts, root: str) -> Iterator[Finding]:
    """Returns the digests that a person compares with the public page and the printed letter."""
    yield Finding(holds=None, text=f"root {root}")
    yield Finding(holds=None, text=f"{manifest.MANIFEST}: SHA-256 {parts[manifest.MANIFEST].sha256}")
    file.seek(0)
    whole = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # any open file will do
    yield Finding(holds=None, text=f"the ZIP itself: SHA-256 {whole}")


class _PartOfFile(io.RawIOBase):
    """The bytes of one file of the archive; several can be read in turns."""

    def __init__(self, file: IO[bytes], entry: zip_archive.ZipEntry) -> None:
        super().__init__()
        self._file, self._at, self._end = file, entry.start, entry.end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._at)
        chunk = self._file.read(min(len(buffer), self._end - self._at))
        buffer[: len(chunk)] = chunk
        self._at += len(chunk)
        return len(chunk)
