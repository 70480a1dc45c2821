"""The package of a delivery: entries and leaves as files, the tree over them, and the ZIP that holds them.

`building` calls `write_entries`, has the PDF typeset (it prints the root), then calls `write_package`. It stores root,
subtree roots and digests in the row of the delivery: receipts and the public page need them, not the files.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from django.db.models import QuerySet

from signatures.delivery import csv_export, manifest, merkle, zip_archive
from signatures.models import Delivery, DeliveryEntry

_LEAF = slice(-66, -2)  # of a line of leaves.csv: its last 64 characters before the line's end


def write_entries(entries: QuerySet[DeliveryEntry], folder: Path) -> tuple[int, merkle.Tree]:
    """Writes signatories.csv and leaves.csv into this folder. Returns the number of named entries, and the tree.

    It runs two statements. The caller runs it in one REPEATABLE READ transaction: otherwise somebody who is erased
    between them has words in one file and no salt in the other.
    """
    with (folder / manifest.CSV).open("wb") as file:
        named = csv_export.write_delivered(entries, file)
    with (folder / manifest.LEAVES).open("w+b") as file:
        csv_export.write_leaves(entries, file)
        file.seek(0)
        return named, merkle.build_tree(read_leaves(file))


def read_leaves(file: IO[bytes]) -> Iterator[bytes]:
    """Returns the leaves of a leaves.csv, in their order."""
    next(file)  # the names of the columns
    for line in file:
        yield bytes.fromhex(line[_LEAF].decode())


def write_package(folder: Path, delivery: Delivery, *, root: str, site: str) -> dict[str, str]:
    """Packs PDF, signatories.csv and leaves.csv of `folder`. Returns the SHA-256 of each file and of the package.

    READ-ME.txt, manifest.json and the package are written beside them; the same delivery and files give the same bytes.
    `site` is the address under which its page is found.

    Raises:
        zip_archive.TooLarge: the files have more than 4 GiB.
    """
    (folder / manifest.READ_ME).write_bytes(manifest.read_me(delivery, root=root, site=site))
    digests = {name: zip_archive.sha256_of(folder / name) for name in manifest.DIGESTED}
    (folder / manifest.MANIFEST).write_bytes(manifest.manifest_json(delivery, root=root, files=digests))
    digests[manifest.MANIFEST] = zip_archive.sha256_of(folder / manifest.MANIFEST)
    with (folder / delivery.package).open("wb") as out:
        digests[delivery.package] = zip_archive.write_zip(out, {name: folder / name for name in manifest.FILES})
    return digests
