"""Write the deliverable list as a table."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from campaign.management.arguments import country, day, whole_number
from campaign.models import Letter
from campaign.runtime.complete_files import replaced_file
from signatures.delivery import exports
from signatures.delivery.selection import Selection
from signatures.management.commands._common import LetterCommand, add_reason


class Command(LetterCommand):
    help = "Writes the deliverable list of a letter as CSV or XLSX, to standard output or to a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        add_reason(parser)
        parser.add_argument("--out", type=Path, help="the file to write")
        parser.add_argument("--form", choices=list(exports.Table), default=exports.Table.CSV)
        parser.add_argument("--since", type=whole_number(1), metavar="N", help="only who is not in delivery N")
        parser.add_argument("--country", type=country, help="only this one, by its two letters")
        parser.add_argument("--day", type=day, help="only of this day, in the letter's time zone")
        parser.add_argument("--organizations", action="store_true", help="only organizations")

    def handle(self, *args: Any, **options: Any) -> None:
        letter, out = self.letter(options), options["out"]
        asked: Any = {
            "by": None,
            "reason": options["reason"],
            "form": exports.Table(options["form"]),
            "selection": _selection(letter, options),
        }
        try:
            if out is None:
                exports.export_list(letter, sys.stdout.buffer, **asked)
                return
            with replaced_file(out) as draft, draft.open("wb") as file:
                rows = exports.export_list(letter, file, **asked)
        except OSError as error:
            raise CommandError(f"The list cannot be written: {error}") from None
        self.stderr.write(f"{rows} rows in {out}")


def _selection(letter: Letter, options: dict[str, Any]) -> Selection:
    since = None
    if options["since"] is not None:
        since = letter.deliveries.filter(number=options["since"]).first()
        if since is None:
            raise CommandError(f"{letter.slug} has no delivery {options['since']}.")
    return Selection(since, options["country"] or "", options["day"], options["organizations"])
