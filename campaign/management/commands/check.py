"""Django's `check`. With `--deploy` it also tries what the running site needs, and sends a test email."""

import contextlib
from functools import partial
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.management.base import CommandParser
from django.core.management.commands import check
from django.db import connections

from campaign.checks import SITE, email
from campaign.runtime import database


class Command(check.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--to", default="", metavar="ADDRESS", help="With --deploy: send a test email there.")

    def handle(self, *app_labels: Any, **options: Any) -> None:
        if not options["deploy"]:
            super().handle(*app_labels, **options)
            return
        checks.register(partial(email, to=options["to"]), SITE, deploy=True)
        options["databases"] = options["databases"] or list(connections)
        # What is not there yet is not made by a check.
        is_embedded = not settings.DATABASE_URL and settings.POSTGRES_DIR.exists()
        with database.running() if is_embedded else contextlib.nullcontext():
            super().handle(*app_labels, **options)
