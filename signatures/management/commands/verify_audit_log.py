"""Verify the audit log against its checkpoints."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from campaign.runtime.regular_expressions import linear
from signatures.audit import checkpoints

_DIGEST = linear("[0-9a-f]{64}")


class Command(BaseCommand):
    help = (
        "Computes every checkpoint of the audit log again. Exit code 0: no entry was changed. Exit code 1: names the "
        "first checkpoint and entry that were changed, removed or inserted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--expect", metavar="HASH", default="", help="the hash of a checkpoint, noted elsewhere, that must exist"
        )
        parser.add_argument("--newest", action="store_true", help="print only the hash of the newest checkpoint")

    def handle(self, *args: Any, **options: Any) -> None:
        expect = options["expect"].strip().lower()
        if expect and not _DIGEST.fullmatch(expect):
            raise CommandError("The hash of a checkpoint is 64 hexadecimal digits.")
        # disable=None: the progress bar is shown on a terminal only
        with tqdm(total=checkpoints.checked_entries(), unit=" entries", unit_scale=True, disable=None) as bar:
            try:
                result = checkpoints.verify(expect=expect, progress=bar.update)
            except checkpoints.LogTampered as error:
                raise CommandError(str(error)) from None
        if options["newest"]:
            if result.newest is None:
                raise CommandError("There is no checkpoint yet: the worker makes one each minute.")
            self.stdout.write(result.newest.digest)
            return
        self.stdout.write(f"{result.entries} entries in {result.checkpoints} checkpoints are unchanged.")
        since = f", the oldest since {result.unchecked_since:%Y-%m-%d %H:%M} UTC" if result.unchecked_since else ""
        self.stdout.write(f"{result.unchecked} have no checkpoint yet{since}.")
        if result.newest:
            self.stdout.write(f"The newest checkpoint is number {result.newest.pk}: {result.newest.digest}")
