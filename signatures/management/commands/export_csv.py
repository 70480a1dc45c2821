"""Write the deliverable list as CSV."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from signatures.delivery import exports
from signatures.management.commands._common import LetterCommand, add_reason


class Command(LetterCommand):
    help = "Writes the deliverable list of a letter as CSV, to standard output or to a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        add_reason(parser)
        parser.add_argument("--out", type=Path, help="the file to write")

    def handle(self, *args: Any, **options: Any) -> None:
        letter, out = self.letter(options), options["out"]
        try:
            if out is None:
                exports.export_csv(letter, sys.stdout.buffer, by=None, reason=options["reason"])
                return
            draft = out.with_name(f".{out.name}.part")
            with draft.open("wb") as file:
                rows = exports.export_csv(letter, file, by=None, reason=options["reason"])
            draft.replace(out)
        except OSError as error:
            raise CommandError(f"The list cannot be written: {error}") from None
        self.stderr.write(f"{rows} rows in {out}")
