"""Check that all counts agree."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from signatures.delivery import reconciliation


class Command(BaseCommand):
    help = "Checks that all counts agree: public count, rows, deliveries, and the files of their packages."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quiet", action="store_true", help="print only differences")

    def handle(self, *args: Any, **options: Any) -> None:
        checks = differences = 0
        for check in reconciliation.reconcile():
            checks += 1
            differences += not check.holds
            if not (check.holds and options["quiet"]):
                self.stdout.write(("ok      " if check.holds else "DIFFERS ") + str(check))
        if differences:
            raise CommandError(f"{differences} of {checks} checks do not agree.")
        self.stdout.write(f"{checks} checks, all agree")
