"""The package of a delivery: rows and leaves as files, the tree over them, and the ZIP that holds them.

Whoever makes a delivery calls `write_rows`, then has the PDF typeset (it prints the root), then calls `pack`, and keeps
root, tops and digests in the row of the delivery: receipts and the public page live on them, not on the files.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.db.models import QuerySet

from signatures.delivery import csv_export, receipts, statement, zip_archive
from signatures.models import DeliveryEntry

_LEAF = slice(-66, -2)  # of a line of leaves.csv: its last 64 characters before the line's end


@dataclass(frozen=True)
class Rows:
    """What was written, and the tree over it."""

    named: int
    tree: receipts.Tree


def write_rows(rows: QuerySet[DeliveryEntry], folder: Path) -> Rows:
    """Write signatories.csv and leaves.csv into this folder, and build the tree over the leaves as they stand there.

    Two statements: whoever makes a delivery calls it within one REPEATABLE READ transaction, or somebody who is erased
    between them has words in one file and no salt in the other.
    """
    with (folder / statement.CSV).open("wb") as file:
        named = csv_export.write_delivered(rows, file)
    with (folder / statement.LEAVES).open("w+b") as file:
        csv_export.write_leaves(rows, file)
        file.seek(0)
        return Rows(named, receipts.build(_leaves(file)))


def _leaves(file: IO[bytes]) -> Iterator[bytes]:
    next(file)  # the names of the columns
    for line in file:
        yield bytes.fromhex(line[_LEAF].decode())


def write_package(folder: Path, to: Path, facts: statement.Facts, *, root: str, site: str) -> dict[str, str]:
    """Make the package of what lies in this folder: PDF, signatories.csv, leaves.csv; and the SHA-256 of each file.

    READ-ME.txt and manifest.json are written beside them. The package gets its name, in the folder `to`, when it is
    whole and on the disk; the same facts and files give the same bytes. `site` is SITE_URL, under which the page of the
    delivery is found.

    Raises:
        archive.TooLarge: beyond 4 GiB.
    """
    (folder / statement.READ_ME).write_bytes(statement.read_me(facts, root=root, site=site))
    digests = {name: zip_archive.sha256_of(folder / name) for name in statement.DIGESTED}
    (folder / statement.MANIFEST).write_bytes(statement.manifest_json(facts, root=root, files=digests))
    digests[statement.MANIFEST] = zip_archive.sha256_of(folder / statement.MANIFEST)
    draft = to / f".{facts.package}.part"
    with draft.open("wb") as out:
        digests[facts.package] = zip_archive.write_zip(out, {name: folder / name for name in statement.FILES})
        out.flush()
        os.fsync(out.fileno())
    draft.replace(to / facts.package)
    _keep_name(to)
    return digests


def _keep_name(folder: Path) -> None:
    """The new name is on the disk as well, whatever happens to the machine."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
