"""What the commands have in common that need the private half of the keeper's key."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from nacl.public import PrivateKey

from signatures.values import sealing


class KeeperCommand(BaseCommand):
    """Reads the key from `--key FILE`, and tells in one sentence what is wrong with it."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--key", type=Path, required=True, help="the private half of the keeper's key")

    @contextmanager
    def key(self, options: dict[str, Any]) -> Iterator[PrivateKey]:
        try:
            yield sealing.read_private_key(options["key"])
        except OSError as error:
            raise CommandError(f"The key cannot be read: {error.strerror}.") from None
        except sealing.CannotUnseal:
            raise CommandError("This is not the key to which the addresses were sealed.") from None
        except ValueError:
            raise CommandError("The key's file must hold 64 hexadecimal digits.") from None
