"""Deletes what has been kept long enough."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaign.runtime import clock
from signatures import retention
from signatures.values import csv_cells


class Command(BaseCommand):
    help = "Deletes what has been kept long enough, as the worker does every day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only print what would be deleted")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["dry_run"] and (doubt := clock.doubt()):
            raise CommandError(doubt)
        try:
            pruned = retention.prune(dry_run=options["dry_run"])
        except csv_cells.UnreadableLine as error:
            raise CommandError(str(error)) from None
        for what, number in pruned.items():
            self.stdout.write(f"{number:>8}  {what}")
