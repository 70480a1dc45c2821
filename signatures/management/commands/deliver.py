"""Freeze a letter and build its delivery."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

from signatures.delivery import building, freezing, package_store
from signatures.management.commands._common import LetterCommand, move_to
from signatures.transitions import TransitionNotAllowed


class Command(LetterCommand):
    help = "Freezes a letter with its approved signatures, makes the files, and prints number, counts and path."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--reason", default="manage.py deliver", help="kept in the audit log and with the delivery")

    def handle(self, *args: Any, **options: Any) -> None:
        letter = self.letter(options)
        try:
            delivery = freezing.freeze(letter, by=None, reason=options["reason"])
        except (TransitionNotAllowed, freezing.CountsDiffer) as error:
            raise CommandError(str(error)) from None
        with tqdm(total=100, unit=" %", disable=None, bar_format="{l_bar}{bar}") as bar:
            building.build(delivery.pk, on_progress=move_to(bar))
        delivery.refresh_from_db()
        if delivery.state != delivery.State.READY:
            why = f"making them failed: {delivery.failure}" if delivery.failure else "making them was stopped"
            raise CommandError(f"Delivery {delivery.number} is frozen, and has no files: {why}. Make them in admin.")
        counts = delivery.counts
        self.stdout.write(
            f"Delivery {delivery.number} of {letter.slug}: {counts['delivered']} delivered, "
            f"{counts['named']} named, {counts['counted_only']} counted only, {counts['waiting']} still waiting\n"
            f"digest {delivery.digest}\n{package_store.place(delivery.package)}"
        )
