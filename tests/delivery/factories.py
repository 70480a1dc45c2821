"""Makes a delivery with its package, as the build job leaves it, with any bytes in place of the typeset letter."""

import tempfile
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.test import override_settings
from django.utils import timezone
from django.utils.formats import date_format

from campaign.models import Letter
from signatures.delivery import building, freezing, package, package_store, signing_key, statement
from signatures.models import Delivery


def make_delivery(letter: Letter, to: Path | None = None) -> Delivery:
    """Returns a delivery that is ready, frozen in the test's own transaction."""
    delivery = freezing._freeze(letter, None, "for a test")
    with tempfile.TemporaryDirectory() as folder:
        make_files(delivery, to or Path(folder))
    return delivery


def freeze_days_ago(delivery: Delivery, days: int) -> None:
    """Sets its day of freezing back, which the database refuses to everybody else."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        Delivery.objects.filter(pk=delivery.pk).update(frozen_at=delivery.frozen_at - timedelta(days=days))
        cursor.execute("SET LOCAL session_replication_role = origin")
    delivery.refresh_from_db()


def day_of(delivery: Delivery) -> date:
    """The day on which it was frozen, and the first on which it can have been handed over."""
    return timezone.localdate(delivery.frozen_at, ZoneInfo(delivery.letter.time_zone))


def shown_day_of(delivery: Delivery) -> str:
    return date_format(day_of(delivery))


def path_of(delivery: Delivery) -> Path:
    return Path(package_store.place(delivery.package))


def make_files(delivery: Delivery, to: Path, letter: bytes = b"") -> Path:
    """Makes an edition as `building` does, but for the letter, which takes seconds."""
    key = signing_key.load()
    with tempfile.TemporaryDirectory(dir=to) as name, override_settings(DELIVERIES_DIR=to):
        folder = Path(name)
        _named, tree = package.write_entries(delivery.rows.all(), folder)
        building._require_statement(delivery, tree, key)
        package.write_statement(folder, delivery)
        typeset = f"%PDF-1.7\n{delivery.counts['named']} names, digest {delivery.digest}\n%%EOF\n"
        (folder / statement.PDF).write_bytes(letter or typeset.encode())
        building._store_edition(delivery, folder, key)
    Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.FROZEN).update(state=Delivery.State.READY)
    delivery.refresh_from_db()
    return to / delivery.package
