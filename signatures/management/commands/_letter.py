"""What commands about one letter have in common."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from campaign.models import Letter


class LetterCommand(BaseCommand):
    """A command that takes the slug of a letter."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")

    def letter(self, options: dict[str, Any]) -> Letter:
        letter = Letter.objects.filter(slug=options["slug"]).first()
        if letter is None:
            raise CommandError(f"There is no letter {options['slug']!r}.")
        return letter


def move_to(bar: "tqdm[None]") -> Callable[..., None]:
    """Returns the function that moves a progress bar to `done`, of `total` if that is given."""

    def move(done: int, total: int | None = None) -> None:
        bar.total = total or bar.total
        bar.update(done - bar.n)

    return move
