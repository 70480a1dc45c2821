"""Check a package of a delivery, from the ZIP alone."""

from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from signatures.delivery import receipts, verification

LABELS = {True: "ok     ", False: "WRONG  ", None: "compare"}


class Command(BaseCommand):
    help = "Checks every digest, count and leaf and the root of a delivery's package, from the ZIP alone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the ZIP")
        parser.add_argument("--receipt", type=Path, help="a receipt that must belong to it")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            receipt = _read_receipt(options["receipt"]) if options["receipt"] else ""
            with path.open("rb") as file:
                faults = self.verify(file, 2 * path.stat().st_size, receipt)
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
        if faults:
            raise CommandError(f"This is not what was delivered. First: {faults[0]}.")
        self.stdout.write(
            "Whole. Now compare the root with the one on the page of the delivery and in the printed letter: anybody "
            "can make another package that is whole, too. Of the PDF only the digest was checked."
        )

    def verify(self, file: IO[bytes], bytes_to_do: int, receipt: str) -> list[str]:
        """Prints each finding on a line. Returns the faults."""
        faults = []
        with tqdm(total=bytes_to_do, unit="B", unit_scale=True, disable=None) as bar:  # None: on a terminal only
            for finding in verification.verify(file, receipt=receipt, progress=bar.update):
                with bar.external_write_mode():
                    self.stdout.write(f"{LABELS[finding.holds]} {finding.text}")
                faults += [finding.text] if finding.holds is False else []
        return faults


def _read_receipt(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(receipts.MAX_LENGTH)
