"""Export the addresses of subscribers. Runs where the private updates key is."""

import hashlib
import io
import sys
from argparse import ArgumentParser
from typing import Any

from django.db import transaction

from signatures.audit import audit_log
from signatures.management.commands._common import UpdatesKeyCommand, add_reason, letter_of
from signatures.models import Signature
from signatures.registries import AuditAction
from signatures.values import csv_cells, sealing


class Command(UpdatesKeyCommand):
    help = "Writes the addresses of those who confirmed and asked for updates, as CSV: letter, language, address."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        add_reason(parser)
        parser.add_argument("--letter", help="the slug of one letter; all letters without it")

    def handle(self, *args: Any, **options: Any) -> None:
        asked = Signature.objects.filter(sealed_address__isnull=False, confirmed_at__isnull=False)
        asked = asked.standing().order_by("letter__slug", "public_id")
        if slug := options["letter"]:
            asked = asked.filter(letter=letter_of(slug))
        # In memory, and not in a file, which would hold the open addresses: the digest comes before the first byte.
        found = io.StringIO(newline="")
        with self.keys(options) as private_keys:
            rows = [
                (row.letter.slug, row.language, sealing.unseal(row.sealed_address or b"", private_keys=private_keys))
                for row in asked.select_related("letter").only("letter__slug", "language", "sealed_address")
            ]
        csv_cells.write_rows(found, [("letter", "language", "address"), *rows])
        digest = hashlib.sha256(found.getvalue().encode()).hexdigest()
        with transaction.atomic(durable=True):
            detail: dict[str, str | int] = {"form": "csv", "rows": len(rows), "sha256": digest}
            audit_log.record(AuditAction.EXPORT_SUBSCRIBERS, reason=options["reason"], detail=detail)
        sys.stdout.write(found.getvalue())
