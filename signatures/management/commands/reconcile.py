"""Check that every count agrees."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from signatures.delivery import reconciliation


class Command(BaseCommand):
    help = "Checks that every count agrees: public count, rows, deliveries, and the files of their packages."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quiet", action="store_true", help="say only what does not agree")

    def handle(self, *args: Any, **options: Any) -> None:
        broken = checked = 0
        for check in reconciliation.reconcile():
            checked += 1
            broken += not check.holds
            if not (check.holds and options["quiet"]):
                self.stdout.write(("ok      " if check.holds else "DIFFERS ") + str(check))
        if broken:
            raise CommandError(f"{broken} of {checked} checks do not agree.")
        self.stdout.write(f"{checked} checks, all agree")
