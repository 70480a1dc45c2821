"""Write the signed letter as PDF."""

import shutil
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from campaign.models import Letter
from signatures.delivery import exports, pdf


class Command(BaseCommand):
    help = "Writes a letter with its signatories as PDF, to standard output or to a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--out", type=Path, help="the file to write")
        parser.add_argument("--paper", choices=["a4", "us-letter"], default="a4")
        parser.add_argument(
            "--language",
            choices=pdf.languages(),
            default="",
            help="of headings, figures and page numbers (default: the letter's, or English)",
        )
        parser.add_argument("--parts", choices=["all", "letter", "names"], default="all")
        parser.add_argument("--names", choices=["lines", "running"], default="lines", help="one a line, or running on")
        parser.add_argument("--draft", action="store_true", help="DRAFT across each page, and how many still wait")

    def handle(self, *args: Any, **options: Any) -> None:
        letter = Letter.objects.filter(slug=options["slug"]).first()
        if letter is None:
            raise CommandError(f"There is no letter {options['slug']!r}.")
        chosen = {name: options[name] for name in ("paper", "language", "parts", "names", "draft")}
        bar = tqdm(unit=" names", unit_scale=True, disable=None)  # None: on a terminal only
        try:
            with bar, tempfile.TemporaryDirectory() as folder:
                made = options["out"] or Path(folder) / "letter.pdf"
                report = exports.export_pdf(
                    letter, made, by=None, options=pdf.Options(**chosen), work=pdf.Work(progress=shown_on(bar))
                )
                if options["out"] is None:
                    with made.open("rb") as file:
                        shutil.copyfileobj(file, sys.stdout.buffer)
        except (OSError, pdf.PdfFailed, exports.NothingToExport) as error:
            raise CommandError(f"The PDF cannot be made: {error}") from None
        self.stderr.write(f"{report.names} names on {report.pages} pages")
        if report.missing:
            self.stderr.write(
                f"No font has these characters; they stand as their code points: {' '.join(report.missing)}"
            )
        if report.names and "ua-1" not in report.standards:
            self.stderr.write("It is not tagged for screen readers: it was joined from sets, or a glyph is missing.")


def shown_on(bar: "tqdm[None]") -> Callable[[int, int], None]:
    def show(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    return show
