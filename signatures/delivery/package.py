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

from signatures.delivery import archive, csv, manifest, receipts
from signatures.models import Delivered

_LEAF = slice(-66, -2)  # of a line of leaves.csv: its last 64 characters before the line's end


@dataclass(frozen=True)
class Rows:
    """What was written, and the tree over it."""

    named: int
    tree: receipts.Tree


def write_rows(rows: QuerySet[Delivered], folder: Path) -> Rows:
    """Write signatories.csv and leaves.csv into this folder, and build the tree over the leaves as they stand there.

    Two statements: whoever makes a delivery calls it within one REPEATABLE READ transaction, or somebody who is erased
    between them has words in one file and no salt in the other.
    """
    with (folder / manifest.CSV).open("wb") as file:
        named = csv.write_delivered(rows, file)
    with (folder / manifest.LEAVES).open("w+b") as file:
        csv.write_leaves(rows, file)
        file.seek(0)
        return Rows(named, receipts.build(_leaves(file)))


def _leaves(file: IO[bytes]) -> Iterator[bytes]:
    next(file)  # the names of the columns
    for line in file:
        yield bytes.fromhex(line[_LEAF].decode())


def pack(folder: Path, to: Path, facts: manifest.Facts, *, root: str, site: str) -> dict[str, str]:
    """Make the package of what lies in this folder: PDF, signatories.csv, leaves.csv; and the SHA-256 of each file.

    READ-ME.txt and manifest.json are written beside them. The package gets its name, in the folder `to`, when it is
    whole and on the disk; the same facts and files give the same bytes. `site` is SITE_URL, under which the page of the
    delivery is found.

    Raises:
        archive.TooLarge: beyond 4 GiB.
    """
    (folder / manifest.READ_ME).write_bytes(manifest.read_me(facts, root=root, site=site))
    digests = {name: archive.sha256_of(folder / name) for name in manifest.DIGESTED}
    (folder / manifest.MANIFEST).write_bytes(manifest.manifest(facts, root=root, files=digests))
    digests[manifest.MANIFEST] = archive.sha256_of(folder / manifest.MANIFEST)
    draft = to / f".{facts.package}.part"
    with draft.open("wb") as out:
        digests[facts.package] = archive.write(out, {name: folder / name for name in manifest.FILES})
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
