"""Write the signed letter as PDF."""

import shutil
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaign.models import Letter
from signatures.delivery import pdf, snapshot


class Command(BaseCommand):
    help = "Writes a letter with its signatories as PDF, to standard output or to a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--out", type=Path, help="the file to write")

    def handle(self, *args: Any, **options: Any) -> None:
        letter = Letter.objects.filter(slug=options["slug"]).first()
        if letter is None:
            raise CommandError(f"There is no letter {options['slug']!r}.")
        try:
            with tempfile.TemporaryDirectory() as folder:
                made = options["out"] or Path(folder) / "letter.pdf"
                report = snapshot.export_pdf(letter, made, by=None)
                if options["out"] is None:
                    with made.open("rb") as file:
                        shutil.copyfileobj(file, sys.stdout.buffer)
        except (OSError, pdf.PdfFailed, snapshot.NothingToExport) as error:
            raise CommandError(f"The PDF cannot be made: {error}") from None
        self.stderr.write(f"{report.names} names on {report.pages} pages")
        if report.missing:
            self.stderr.write(
                f"No font has these characters; they stand as their code points: {' '.join(report.missing)}"
            )
