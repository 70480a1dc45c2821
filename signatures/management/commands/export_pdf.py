"""Write the signed letter as PDF."""

import shutil
import sys
import tempfile
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

from campaign.management.arguments import whole_number
from campaign.runtime import failures
from signatures.delivery import copies, exports, pdf
from signatures.management.commands._common import LetterCommand, add_reason, move_to

OPTIONS = ("paper", "parts", "names", "draft", "annex", "volume_pages")


class Command(LetterCommand):
    help = "Writes a letter with its signatories as PDF, as they are now or as a delivery froze them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        add_reason(parser)
        parser.add_argument("--out", type=Path, help="the file to write")
        parser.add_argument(
            "--delivery",
            type=whole_number(1),
            metavar="NUMBER",
            help="a copy of this frozen delivery, without who left since (default: the list as it is now)",
        )
        parser.add_argument("--paper", choices=list(pdf.PAPERS), default="a4")
        parser.add_argument(
            "--language",
            type=_languages,
            default=(),
            dest="languages",
            metavar="LANGUAGE[,LANGUAGE]",
            help="of the letter, of headings, counts and page numbers; with several the letter in each, one after the "
            "other, and the rest in the first (default: the site's)",
        )
        parser.add_argument("--parts", choices=["all", "letter", "names"], default="all")
        parser.add_argument("--names", choices=["lines", "running"], default="lines", help="one a line, or running on")
        parser.add_argument("--public", action="store_true", help="only public names: an edition for the press")
        parser.add_argument(
            "--no-annex",
            action="store_false",
            dest="annex",
            help="without the annex on how they were counted and how to check: for the printed copy",
        )
        parser.add_argument(
            "--volumes",
            action="store_const",
            const=pdf.VOLUME_PAGES,
            default=0,
            dest="volume_pages",
            help=f"several files of at most {pdf.VOLUME_PAGES:,} pages each: NAME-1.pdf, NAME-2.pdf beside --out",
        )
        parser.add_argument(
            "--draft", action="store_true", help="DRAFT across each page, and the number of signatures that wait"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        letter = self.letter(options)
        if options["volume_pages"] and options["out"] is None:
            raise CommandError("Volumes are several files; name them with --out, standard output holds one.")
        export = partial(exports.export_pdf, letter)
        if options["delivery"] is not None:
            if options["draft"]:
                raise CommandError("A delivery is frozen, and no draft. Leave out --draft or --delivery.")
            delivery = letter.deliveries.filter(number=options["delivery"]).first()
            if delivery is None:
                raise CommandError(f"{letter.slug} has no delivery {options['delivery']}.")
            export = partial(copies.export_copy, delivery)
        bar = tqdm(unit=" names", unit_scale=True, disable=None)  # None: on a terminal only
        try:
            with bar, tempfile.TemporaryDirectory() as folder:
                out = options["out"] or Path(folder) / "letter.pdf"
                report = export(
                    out,
                    by=None,
                    reason=options["reason"],
                    edition=exports.Edition(languages=options["languages"], public=options["public"]),
                    options=pdf.Options(**{name: options[name] for name in OPTIONS}),
                    control=pdf.JobControl(on_progress=move_to(bar)),
                )
                if options["out"] is None:
                    with out.open("rb") as file:
                        shutil.copyfileobj(file, sys.stdout.buffer)
        except (OSError, pdf.PdfFailed, exports.NothingToExport, copies.CannotCopy) as error:
            raise CommandError(f"The PDF cannot be made: {failures.sentence(error)}") from None
        names, pages = _amount(report.names, "name"), _amount(report.pages, "page")
        volumes = f" in {_amount(len(report.volumes), 'volume')}" if report.volumes else ""
        self.stderr.write(f"{names} on {pages}{volumes}")
        if report.missing:
            self.stderr.write(f"No font has these characters; their codes are printed: {' '.join(report.missing)}")
        if report.names and "ua-1" not in report.standards:
            self.stderr.write("It is not tagged for screen readers: it was joined from sets, or a glyph is missing.")


def _languages(typed: str) -> tuple[str, ...]:
    return tuple(filter(None, (language.strip().lower() for language in typed.split(","))))


def _amount(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
