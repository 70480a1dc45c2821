"""Load a letter from a folder of text files."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from campaign.letters.folder import read_folder
from campaign.letters.folder_files import NotALetter
from campaign.runtime import failures
from signatures.folder_loading import Loading

SHIPPED_LETTER = Path(__file__).resolve().parents[2] / "letters" / "content" / "xi-jinping-2013"


class Command(BaseCommand):
    help = (
        "Loads or updates a letter from a folder (letter.toml and a text for each language, such as en.md). "
        "What staff changed on the site is kept. Only texts that say `publish = true` are published."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "folder", nargs="?", type=Path, default=SHIPPED_LETTER, help="default: the letter that ships with the code"
        )
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="print all that would change, old and new, and change nothing",
        )
        parser.add_argument(
            "--overwrite", action="store_true", help="take the folder's value also where staff changed it on the site"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            loading = Loading(
                read_folder(options["folder"]), overwrite=options["overwrite"], shows_values=options["dry_run"]
            )
            with transaction.atomic():
                letter = loading.run()
                transaction.set_rollback(options["dry_run"])
        except (OSError, NotALetter) as error:
            lines = failures.sentence(error)
            raise CommandError(f"{options['folder']} cannot be loaded. Nothing was changed.\n{lines}") from None
        ignored = [
            f"{name}: not read. A text is called as its language, such as fr.md." for name in loading.folder.ignored
        ]
        for line in [*ignored, *loading.lines]:
            self.stdout.write(line)
        done = "Would load" if options["dry_run"] else "Loaded"
        self.stdout.write(f"{done} /letters/{letter.slug}/" + ("" if loading.is_changed else ": nothing to change"))
