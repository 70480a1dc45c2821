"""Makes secrets and keys for a public site, on whichever machine they belong."""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaign.runtime import keys
from campaign.runtime.initial_settings import PAIRS, SECRETS, SIGNING, key_file

KEYS = SECRETS + PAIRS + SIGNING


class Command(BaseCommand):
    help = (
        "Makes secrets and key pairs, and prints the lines for `.env`. The private half of a pair goes into a file "
        "(mode 400) and is never printed. Needs no settings and no database."
    )
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(KEYS)}; default: all")
        parser.add_argument("--folder", type=Path, default=Path(), help="for the private keys; default: this one")

    def handle(self, *args: Any, **options: Any) -> None:
        names, folder = options["names"] or KEYS, options["folder"]
        if unknown := set(names) - {*KEYS}:
            raise CommandError(f"There is no key {', '.join(sorted(unknown))}: one of {', '.join(KEYS)}.")
        files = {name: key_file(folder, name) for name in names if name not in SECRETS}
        if there := [str(file) for file in files.values() if file.exists()]:
            raise CommandError(f"{' and '.join(there)} exist already: what was sealed to that key needs it.")
        if not folder.is_dir():
            raise CommandError(f"There is no folder {folder}.")
        for name in names:
            self.stdout.write(f"{name}={self.make(name, files)}")
        for file in files.values():
            self.stderr.write(f"{file} holds the private half: no web server may read it.")

    def make(self, name: str, files: Mapping[str, Path]) -> str:
        """Makes a secret, or the file of a key. Returns the value of the setting."""
        if name in SECRETS:
            return keys.new_secret()
        if name in PAIRS:
            return keys.key_pair(files[name], keys.Owner(0o400))
        public = keys.signing_key(files[name], keys.Owner(0o400))
        self.stderr.write(f"The public key of deliveries, for minisign -P: {public}")
        return str(files[name].absolute())
