"""Open the addresses of those who asked for updates, where the keeper's key is."""

import csv
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from signatures import mailboxes, trail
from signatures.models import Signature, State


class Command(BaseCommand):
    help = "Writes the addresses of those who confirmed and asked for updates, as CSV: letter, language, address."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--key", type=Path, required=True, help="the private half of the keeper's key")
        parser.add_argument("--letter", help="the slug of one letter; all letters without it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            private_key = mailboxes.read_private_key(options["key"])
        except OSError as error:
            raise CommandError(f"The key cannot be read: {error.strerror}.") from None
        except ValueError:
            raise CommandError("The key's file must hold 64 hexadecimal digits.") from None
        asked = Signature.objects.filter(sealed_address__isnull=False, confirmed_at__isnull=False)
        asked = asked.exclude(state__in=[State.UNCONFIRMED, State.WITHDRAWN]).order_by("letter__slug", "public_id")
        if options["letter"]:
            asked = asked.filter(letter__slug=options["letter"])
        trail.add("open-addresses", detail={"number": asked.count()})
        out = csv.writer(sys.stdout)
        out.writerow(["letter", "language", "address"])
        for slug, language, sealed in asked.values_list("letter__slug", "language", "sealed_address").iterator():
            try:
                out.writerow([slug, language, mailboxes.unseal(sealed or b"", private_key=private_key)])
            except mailboxes.CannotOpen:
                raise CommandError("This is not the key to which the addresses were sealed.") from None
