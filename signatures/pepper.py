"""The pepper is always that of the database: with another one, nobody is found by their email address again (O12)."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from signatures.models import PepperFingerprint
from signatures.values import sealing


def fingerprint() -> str:
    """Returns the fingerprint of this site's pepper, in hex."""
    return sealing.pepper_fingerprint(settings.EMAIL_HASH_PEPPER).hex()


def require() -> None:
    """Does nothing when the pepper is that of the database, or the first one.

    Raises:
        ImproperlyConfigured: when it is another one.
    """
    row = PepperFingerprint.objects.filter(pk=PepperFingerprint.ROW).first()
    if row and bytes(row.digest).hex() != fingerprint():
        raise ImproperlyConfigured(
            "EMAIL_HASH_PEPPER is not that of this database: with it, nobody would find their signature again."
        )


def keep_fingerprint(**_signal: Any) -> None:
    """Stores the fingerprint of the first pepper, and requires that one. Called after every migration."""
    if PepperFingerprint._meta.db_table not in connection.introspection.table_names():
        return  # a migration back to before the table
    digest = bytes.fromhex(fingerprint())
    PepperFingerprint.objects.bulk_create(
        [PepperFingerprint(pk=PepperFingerprint.ROW, digest=digest)], ignore_conflicts=True
    )
    require()
