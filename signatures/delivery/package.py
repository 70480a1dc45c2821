"""The package of a delivery: its files in a folder, their digests, and the ZIP that holds them.

`building` calls `write_entries`, has the statement made from the tree, calls `write_texts`, has the PDF typeset (it
prints the digest), and then packs what is in the folder as one edition.
"""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from django.db.models import QuerySet

from campaign.letters.text import canonical
from campaign.models import Translation
from signatures.delivery import csv_export, frozen_texts, merkle, self_check, statement, zip_archive
from signatures.models import Delivery, DeliveryEntry

log = logging.getLogger(__name__)

CHECKER = Path(__file__).parent / "checker"  # the stand-alone checkers, which every package has
CHECKERS = ("check.py", "check.html")
_LEAF = slice(-66, -2)  # of a line of leaves.csv: its last 64 characters before the line's end


def write_entries(entries: QuerySet[DeliveryEntry], folder: Path) -> tuple[int, merkle.Tree]:
    """Writes signatories.csv and leaves.csv into this folder. Returns the number of named entries, and the tree.

    It runs two statements. The caller runs it in one REPEATABLE READ transaction: otherwise somebody who is erased
    between them has words in one file and no salt in the other.
    """
    with (folder / statement.CSV).open("wb") as file:
        named = csv_export.write_delivered(entries, file)
    with (folder / statement.LEAVES).open("w+b") as file:
        csv_export.write_leaves(entries, file)
        file.seek(0)
        return named, merkle.build_tree(read_leaves(file))


def read_leaves(file: IO[bytes]) -> Iterator[bytes]:
    """Returns the leaves of a leaves.csv, in their order."""
    next(file)  # the names of the columns
    for line in file:
        yield bytes.fromhex(line[_LEAF].decode())


def write_statement(folder: Path, delivery: Delivery) -> None:
    """Writes texts, statement, what attests it, and the checkers into this folder.

    Raises:
        ValueError: a text does not have the digest that was frozen.
    """
    texts = frozen_texts.in_package(delivery)
    (folder / "texts").mkdir()
    translations = Translation.objects.in_bulk([text["translation"] for text in texts])
    for text in texts:
        content = canonical(translations[text["translation"]].parts())
        if statement.digest_of(content) != text["digest"]:
            raise ValueError("a text is not the one that was frozen")
        (folder / text["file"]).write_bytes(content)
    (folder / statement.STATEMENT).write_text(delivery.statement, encoding="utf-8")
    if delivery.signature:
        (folder / f"{statement.STATEMENT}{statement.SIGNATURE}").write_text(delivery.signature, encoding="utf-8")
    for name, (content, fault) in attested(delivery).items():
        if fault:
            log.warning("%s is made without %s, which was taken in: %s", delivery, name, fault)
        else:
            (folder / name).write_bytes(content)
    for name in CHECKERS:
        (folder / name).write_bytes((CHECKER / name).read_bytes())


def attested(delivery: Delivery) -> dict[str, tuple[bytes, str]]:
    """Returns what others attest of the statement, by the name of the file: its content, and why it is refused.

    Each was taken in only where the checker accepts it. What a newer one refuses is left out of the files: nobody can
    replace it, every later package would be refused for it, and somebody who is erased has to leave them.
    """
    content, found = delivery.statement.encode(), dict[str, tuple[bytes, str]]()
    if signature := delivery.countersignature.encode():
        fault = self_check.fault_of_countersignature(content, signature, delivery.auditor_key)
        found[statement.COUNTERSIGNATURE] = signature, fault
    if delivery.time_stamp is not None:
        stamp = bytes(delivery.time_stamp)
        found[statement.TIME_STAMP] = stamp, self_check.fault_of_time_stamp(content, stamp)
    return found


def names_in(folder: Path, delivery: Delivery) -> list[str]:
    """Returns the files of this folder that the package holds, in their order."""
    texts = [text["file"] for text in frozen_texts.in_package(delivery)]
    attested = (statement.COUNTERSIGNATURE, statement.TIME_STAMP)
    signed = (statement.STATEMENT, f"{statement.STATEMENT}{statement.SIGNATURE}", *attested)
    listed = (statement.FILES, f"{statement.FILES}{statement.SIGNATURE}")
    order = [statement.PDF, statement.CSV, statement.LEAVES, *texts, *signed, *listed, *CHECKERS, statement.READ_ME]
    return [name for name in order if (folder / name).exists()]


def digests_in(folder: Path, names: list[str]) -> dict[str, str]:
    """Returns the SHA-256 of these files."""
    return {name: zip_archive.sha256_of(folder / name) for name in names}


def write_package(folder: Path, delivery: Delivery, to: Path) -> str:
    """Packs the files of this folder, in one folder of the archive. Returns the SHA-256 of the package.

    Raises:
        zip_archive.TooLarge: the files have more than 4 GiB.
    """
    files: Mapping[str, Path] = {f"{delivery}/{name}": folder / name for name in names_in(folder, delivery)}
    with to.open("wb") as out:
        return zip_archive.write_zip(out, files, at=delivery.frozen_at)
