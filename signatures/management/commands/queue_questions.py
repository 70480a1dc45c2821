"""Enqueue emails to signers whom staff asked something, where the private updates key is."""

from typing import Any

from signatures.management.commands._common import UpdatesKeyCommand
from signatures.moderation import decisions


class Command(UpdatesKeyCommand):
    help = "Enqueues a neutral email to each signer whom staff asked something and who left an address for updates."

    def handle(self, *args: Any, **options: Any) -> None:
        with self.keys(options) as private_keys:
            number = decisions.queue_questions(private_keys)
        self.stdout.write(f"{number} emails enqueued")
