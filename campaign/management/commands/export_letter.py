"""Write a letter into a folder, as `load_letter` reads it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaign.letters.folder import write_folder
from campaign.models import Letter


class Command(BaseCommand):
    help = "Writes a letter into a new folder that `load_letter` can load again, here or on another site."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="of the letter")
        parser.add_argument("folder", type=Path, help="it is made; if it exists, it must be empty")

    def handle(self, *args: Any, **options: Any) -> None:
        letter = Letter.objects.filter(slug=options["slug"]).first()
        if letter is None:
            raise CommandError(f"There is no letter with the slug {options['slug']}.")
        try:
            notices = write_folder(letter, options["folder"])
        except OSError as error:
            raise CommandError(f"The folder cannot be written: {error}") from None
        for line in [*notices, f"Written to {options['folder']}"]:
            self.stdout.write(line)
