"""Makes a backup."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from signatures import backups


class Command(BaseCommand):
    help = "Makes a backup in a new folder below DIR: database, tombstones, settings without secrets, and digests."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--to", default="", metavar="KEY", help="encrypt it to this public key of age (age1…)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(str(backups.make(options["folder"], public_key=options["to"])))
        except backups.BackupFailed as error:
            raise CommandError(str(error)) from None
