"""Moves the embedded PostgreSQL to the next major version."""

import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from campaign.runtime import cluster, database, database_upgrade


class Command(BaseCommand):
    help = (
        "Moves the embedded PostgreSQL to the major version that this site needs. It copies the data, compares the "
        "rows, and keeps the old data. The site must be stopped."
    )
    requires_system_checks: tuple[str, ...] = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--programs", type=Path, metavar="DIR", help="the programs of the old version")
        parser.add_argument("--remove-old", action="store_true", help="delete the data of former versions")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.DATABASE_URL:
            raise CommandError("DATABASE_URL is set, and this command is for the embedded database alone.")
        if options["remove_old"]:
            self.remove_old(is_sure=options["yes"])
            return
        folder: Path = settings.POSTGRES_DIR
        if not folder.exists() and not database.former_folders():
            raise CommandError(f"There is no database in {folder}.")
        if folder.exists() and cluster.version_of(folder) == cluster.MAJOR:
            self.stdout.write(f"The database is of PostgreSQL {cluster.MAJOR} already.")
            return
        try:
            version, rows = database_upgrade.upgrade(options["programs"])
        except database.DatabaseUnavailable as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"The database is of PostgreSQL {cluster.MAJOR} now, with all {rows} rows. The old data is kept in "
            f"{folder}.{version}: when all is well, delete it with `upgrade_database --remove-old`."
        )

    def remove_old(self, *, is_sure: bool) -> None:
        if not (settings.POSTGRES_DIR / "PG_VERSION").exists():
            raise CommandError("There is no other data: run `upgrade_database` first.")
        for folder in database.former_folders():
            if is_sure or _is_confirmed(folder):
                shutil.rmtree(folder)
                self.stdout.write(f"{folder} is deleted.")


def _is_confirmed(folder: Path) -> bool:
    try:
        return input(f"Delete {folder} for good? It cannot be undone [y/N] ") == "y"
    except (EOFError, KeyboardInterrupt):
        raise CommandError(f"No answer: {folder} is kept. With --yes nothing is asked.") from None
