"""Freeze a letter and make its delivery."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from campaign.models import Letter
from signatures.delivery import building, freezing


class Command(BaseCommand):
    help = "Freezes a letter with its approved signatures, makes the files, and says number, counts and path."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--reason", default="manage.py deliver", help="stands in the trail and on the record")

    def handle(self, *args: Any, **options: Any) -> None:
        letter = Letter.objects.filter(slug=options["slug"]).first()
        if letter is None:
            raise CommandError(f"There is no letter {options['slug']!r}.")
        try:
            delivery = freezing.freeze(letter, by=None, reason=options["reason"])
        except (freezing.DeliveryNotAllowed, freezing.CountsDiffer) as error:
            raise CommandError(str(error)) from None
        with tqdm(total=100, unit=" %", disable=None, bar_format="{l_bar}{bar}") as bar:
            building.build(delivery.pk, tell=lambda percent: bar.update(percent - bar.n))
        delivery.refresh_from_db()
        if delivery.state != delivery.State.READY:
            why = f"their making ended with {delivery.failure}" if delivery.failure else "they were stopped"
            raise CommandError(f"Delivery {delivery.number} is frozen, and has no files: {why}. Ask for them in admin.")
        counts = delivery.counts
        self.stdout.write(
            f"Delivery {delivery.number} of {letter.slug}: {counts['delivered']} delivered, "
            f"{counts['named']} named, {counts['counted_only']} counted only, {counts['waiting']} still waiting\n"
            f"root {delivery.root}\n{delivery.package}"
        )
