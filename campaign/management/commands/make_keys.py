"""Makes secrets and keys for a public site, on whichever machine they belong."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaign.runtime import keys
from campaign.runtime.initial_settings import PAIRS, SECRETS, key_file


class Command(BaseCommand):
    help = (
        "Makes secrets and key pairs, and prints the lines for `.env`. The private half of a pair goes into a file "
        "(mode 400) and is never printed. Needs no settings and no database."
    )
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SECRETS + PAIRS)}; default: all")
        parser.add_argument("--folder", type=Path, default=Path(), help="for the private keys; default: this one")

    def handle(self, *args: Any, **options: Any) -> None:
        names, folder = options["names"] or [*SECRETS, *PAIRS], options["folder"]
        if unknown := set(names) - {*SECRETS, *PAIRS}:
            raise CommandError(f"There is no key {', '.join(sorted(unknown))}: one of {', '.join(SECRETS + PAIRS)}.")
        files = {name: key_file(folder, name) for name in names if name in PAIRS}
        if there := [str(file) for file in files.values() if file.exists()]:
            raise CommandError(f"{' and '.join(there)} exist already: what was sealed to that key needs it.")
        if not folder.is_dir():
            raise CommandError(f"There is no folder {folder}.")
        for name in names:
            value = keys.key_pair(files[name], keys.Owner(0o400)) if name in files else keys.new_secret()
            self.stdout.write(f"{name}={value}")
        for file in files.values():
            self.stderr.write(f"{file} holds the private half: no web server may read it.")
