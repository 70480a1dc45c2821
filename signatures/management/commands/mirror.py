"""Write the public pages as static files."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from signatures.management.commands._common import move_to
from signatures.static_mirror import writing
from signatures.static_mirror.folder import ForeignFolder


class Command(BaseCommand):
    help = (
        "Writes the letters, the counts and the public names as static files into a folder, to be served while the "
        "site itself is under attack. Run it often: a name that is withdrawn stays in the mirror until the next run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", metavar="DIR", type=Path, help="new, empty, or an earlier mirror")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        bar = tqdm(unit=" pages", disable=None)  # None: on a terminal only
        try:
            call_command("collectstatic", interactive=False, verbosity=0)
            with bar:
                result = writing.write_mirror(folder, on=timezone.now().date(), on_progress=move_to(bar))
        except ForeignFolder as error:
            raise CommandError(f"{error} holds something else than a mirror; name a new or an empty folder.") from None
        except writing.AlreadyRunning:
            raise CommandError("Another mirror is being written; wait until it is done.") from None
        except OSError as error:
            raise CommandError(f"The mirror cannot be written to {folder}: {error.strerror}.") from None
        self.stdout.write(f"{result.pages} pages in {folder}, {result.changed} of them new or changed")
