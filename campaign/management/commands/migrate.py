"""Django's `migrate`, one machine after the other.

It waits for a lock on a table for a second only and then tries again, because others queue behind it (O16).
"""

import logging
import random
import time
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from psycopg2.errors import DeadlockDetected, LockNotAvailable

from campaign.runtime import database_budgets
from campaign.runtime.locks import AdvisoryLock, block_lock

log = logging.getLogger(__name__)

OTHERS_SECONDS = 600  # in which another machine that migrates must be done
RETRY_SECONDS = 300  # in which a migration that gets no lock is tried again
PAUSE_SECONDS = (1.0, 3.0)  # between two tries, in which those who queued get their turn


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        connection.close()
        with (
            block_lock(AdvisoryLock.MIGRATE, seconds=OTHERS_SECONDS),
            database_budgets.used_in_block(database_budgets.MIGRATION),
        ):
            last_try = time.monotonic() + RETRY_SECONDS
            while not self._migrate(*args, **options):
                if time.monotonic() > last_try:
                    raise CommandError(
                        f"A migration got no lock on its table in {RETRY_SECONDS} seconds: see who holds it "
                        "(pg_stat_activity, pg_locks), and migrate again."
                    )
                time.sleep(random.uniform(*PAUSE_SECONDS))  # noqa: S311  it only spreads the tries
        connection.close()

    def _migrate(self, *args: Any, **options: Any) -> bool:
        """Returns whether all migrations ran. What is done stays: each is a transaction of its own."""
        try:
            super().handle(*args, **options)
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable | DeadlockDetected):
                raise
            log.warning("a migration got no lock on its table in a second; it is tried again")
            return False
        return True
