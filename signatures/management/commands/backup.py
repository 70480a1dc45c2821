"""Makes a backup."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from signatures import backups
from signatures.audit import audit_log
from signatures.registries import AuditAction


class Command(BaseCommand):
    help = "Makes a backup in a new folder below DIR: database, tombstones, settings without secrets, and digests."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("folder", type=Path, metavar="DIR", nargs="?")
        what.add_argument(
            "--elsewhere", action="store_true", help="make none: note that another tool made one, for the alarm"
        )
        parser.add_argument("--to", default="", metavar="KEY", help="encrypt it to this public key of age (age1…)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["elsewhere"]:
            audit_log.record(AuditAction.BACKUP, detail={"elsewhere": True})
            return
        try:
            self.stdout.write(str(backups.make(options["folder"], public_key=options["to"])))
        except backups.BackupFailed as error:
            raise CommandError(str(error)) from None
