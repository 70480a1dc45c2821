"""Tell those who left an address that staff have a question, where the keeper's key is."""

from typing import Any

from signatures.management.commands._updates_key import KeeperCommand
from signatures.moderation import decisions


class Command(KeeperCommand):
    help = "Queues a neutral mail to each signer whom staff asked something and who left an address for updates."

    def handle(self, *args: Any, **options: Any) -> None:
        with self.key(options) as private_key:
            number = decisions.queue_questions(private_key)
        self.stdout.write(f"{number} mails queued")
