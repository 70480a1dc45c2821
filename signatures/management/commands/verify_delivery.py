"""Check a package of a delivery, from the ZIP alone."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaign.runtime import failures
from signatures.delivery.checker import check


class Command(BaseCommand):
    help = "Checks a package of a delivery, or a receipt, as check.py does that lies in every package."

    def add_arguments(self, parser: ArgumentParser) -> None:
        check.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            for file in filter(None, (options["file"], options["receipt"])):
                if not file.is_dir():
                    file.open("rb").close()
        except OSError as error:
            raise CommandError(failures.sentence(error)) from None
        code = check.run(options, self.stdout.write, sys.stderr)
        if code:
            sys.exit(code)
