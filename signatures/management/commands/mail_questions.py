"""Tell those who left an address that staff have a question, where the keeper's key is."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from signatures import mailboxes, workflow


class Command(BaseCommand):
    help = "Queues a neutral mail to each signer whom staff asked something and who left an address for updates."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--key", type=Path, required=True, help="the private half of the keeper's key")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            number = workflow.mail_questions(mailboxes.read_private_key(options["key"]))
        except OSError as error:
            raise CommandError(f"The key cannot be read: {error.strerror}.") from None
        except ValueError:
            raise CommandError("The key's file must hold 64 hexadecimal digits.") from None
        except mailboxes.CannotOpen:
            raise CommandError("This is not the key to which the addresses were sealed.") from None
        self.stdout.write(f"{number} mails queued")
