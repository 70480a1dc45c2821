"""Restores a backup into an empty database."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from signatures import backups, narrowings


class Command(BaseCommand):
    help = "Restores the backup in DIR into an empty database, and takes back again what signers took back since."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--key", type=Path, metavar="FILE", help="the private key of age, of an encrypted backup")
        parser.add_argument(
            "--without-newer-tombstones", action="store_true",
            help="VAR_DIR has no tombstones.csv: who erased themselves after the backup comes back",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        newest = narrowings.file_beside_database()
        is_there = newest.exists()
        try:
            made_at = backups.restore(
                options["folder"], private_key_file=options["key"], alone=options["without_newer_tombstones"]
            )
        except backups.BackupFailed as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"The database is as it was at {made_at:%Y-%m-%d %H:%M:%S} UTC, without who is erased.")
        if not is_there:
            self.stdout.write(
                f"There was no {newest}: who withdrew, chose to be shown less, ended the updates or said “this was not "
                "me” after the backup stands as before."
            )
