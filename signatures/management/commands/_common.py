"""What several commands have in common."""

from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from nacl.public import PrivateKey
from tqdm import tqdm

from campaign.models import Letter
from signatures.values import sealing


def add_reason(parser: ArgumentParser) -> None:
    """Adds the option of all commands that hand out names or addresses."""
    default = f"manage.py {parser.prog.split()[-1]}"  # the name of the command
    parser.add_argument("--reason", default=default, help="what the export is for; kept in the audit log")


def letter_of(slug: str) -> Letter:
    """Returns the letter with this slug. Raises CommandError if there is none."""
    letter = Letter.objects.filter(slug=slug).first()
    if letter is None:
        raise CommandError(f"There is no letter {slug!r}.")
    return letter


class LetterCommand(BaseCommand):
    """A command that takes the slug of a letter."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")

    def letter(self, options: dict[str, Any]) -> Letter:
        return letter_of(options["slug"])


class UpdatesKeyCommand(BaseCommand):
    """Reads the keys from `--key FILE`. What is wrong with them ends the command with one sentence."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--key", type=Path, required=True, help="the file of the private updates keys")

    @contextmanager
    def keys(self, options: dict[str, Any]) -> Iterator[list[PrivateKey]]:
        """Yields the keys. A block that cannot unseal an address with any of them ends the command, too."""
        try:
            private_keys = sealing.read_private_keys(options["key"])
            if sealing.lacks_key(private_keys, settings.UPDATES_PUBLIC_KEYS):
                raise CommandError("This is not the key: the file lacks the private half of one in UPDATES_PUBLIC_KEY.")
            yield private_keys
        except OSError as error:
            raise CommandError(f"The key cannot be read: {error.strerror}.") from None
        except sealing.CannotUnseal:
            raise CommandError("This is not the key: addresses were sealed to one that the file lacks.") from None
        except ValueError:
            raise CommandError("The key's file must hold 64 hexadecimal digits a line.") from None


def move_to(bar: "tqdm[None]") -> Callable[..., None]:
    """Returns the function that moves a progress bar to `done`, of `total` if that is given."""

    def move(done: int, total: int | None = None) -> None:
        bar.total = total or bar.total
        bar.update(done - bar.n)

    return move
