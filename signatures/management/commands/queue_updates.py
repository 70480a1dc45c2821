"""Tell those who asked what became of the letter, where the keeper's key is."""

from typing import Any

from signatures.management.commands._updates_key import KeeperCommand
from signatures.outbox import subscriptions


class Command(KeeperCommand):
    help = (
        "Queues a mail about each delivery that was handed over, and about news marked for it, to those who asked for "
        "updates; nobody is told twice."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with self.key(options) as private_key:
            number = subscriptions.queue_updates(private_key)
        self.stdout.write(f"{number} mails queued")
