"""Verify that the trail stands as it was sealed."""

import re
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from signatures.audit import checkpoints


class Command(BaseCommand):
    help = (
        "Computes every seal of the trail anew: exit 0 when all entries stand as they were written, or 1 and the first "
        "broken seal with the entry that was changed, removed or slipped in."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--expect", metavar="HASH", default="", help="a seal's hash, noted elsewhere, must be there"
        )
        parser.add_argument("--newest", action="store_true", help="print only the newest seal's hash, to be noted")

    def handle(self, *args: Any, **options: Any) -> None:
        expect = options["expect"].strip().lower()
        if expect and not re.fullmatch("[0-9a-f]{64}", expect):
            raise CommandError("A seal's hash is 64 hexadecimal digits.")
        # disable=None: on a terminal only
        with tqdm(total=checkpoints.checked_entries(), unit=" entries", unit_scale=True, disable=None) as bar:
            try:
                found = checkpoints.verify(expect=expect, progress=bar.update)
            except checkpoints.LogTampered as broken:
                raise CommandError(str(broken)) from None
        if options["newest"]:
            if found.newest is None:
                raise CommandError("Nothing is sealed yet: the worker does it each minute.")
            self.stdout.write(found.newest.digest)
            return
        self.stdout.write(f"{found.entries} entries in {found.seals} seals stand as they were written.")
        since = f", the oldest since {found.unsealed_since:%Y-%m-%d %H:%M} UTC" if found.unsealed_since else ""
        self.stdout.write(f"{found.unsealed} are not yet sealed{since}.")
        if found.newest:
            self.stdout.write(f"The newest seal is number {found.newest.pk}: {found.newest.digest}")
