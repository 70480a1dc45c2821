"""Export the addresses of subscribers. Runs where the private updates key is."""

import sys
from argparse import ArgumentParser
from collections.abc import Generator
from contextlib import closing
from itertools import chain
from typing import Any, cast

from signatures.audit import audit_log
from signatures.management.commands._common import UpdatesKeyCommand
from signatures.models import Signature
from signatures.registries import AuditAction
from signatures.values import csv_cells, sealing


class Command(UpdatesKeyCommand):
    help = "Writes the addresses of those who confirmed and asked for updates, as CSV: letter, language, address."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--letter", help="the slug of one letter; all letters without it")

    def handle(self, *args: Any, **options: Any) -> None:
        asked = Signature.objects.filter(sealed_address__isnull=False, confirmed_at__isnull=False)
        asked = asked.standing().order_by("letter__slug", "public_id")
        if options["letter"]:
            asked = asked.filter(letter__slug=options["letter"])
        with self.key(options) as private_key:
            audit_log.record(AuditAction.EXPORT_SUBSCRIBERS, detail={"number": asked.count()})
            found = asked.values_list("letter__slug", "language", "sealed_address").iterator()
            # Closed here: a wrong key ends the export half way, and would leave the cursor of the database open.
            with closing(cast("Generator[Any]", found)) as subscribers:
                rows = (
                    (slug, language, sealing.unseal(sealed or b"", private_key=private_key))
                    for slug, language, sealed in subscribers
                )
                csv_cells.write_rows(sys.stdout, chain([("letter", "language", "address")], rows))
