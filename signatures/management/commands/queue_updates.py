"""Enqueue emails about what became of the letter, where the private updates key is."""

from typing import Any

from signatures.management.commands._common import UpdatesKeyCommand
from signatures.outbox import subscriptions


class Command(UpdatesKeyCommand):
    help = (
        "Enqueues an email to subscribers about each delivery that was handed over or acknowledged, and about news "
        "that staff chose for it. Nobody gets the same email twice."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with self.keys(options) as private_keys:
            number = subscriptions.queue_updates(private_keys)
        self.stdout.write(f"{number} emails enqueued")
