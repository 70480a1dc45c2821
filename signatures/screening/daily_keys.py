"""Keys of one day each: digests made with one cannot be computed again once it is destroyed (threat model R12).

A key is made of a random number in the database and of `SECRET_KEY`, so that neither is enough before that either.
A process reads each key once, over a connection of its own: a key that was made inside another transaction could be
rolled back with it, while this process went on using it.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from contextlib import closing
from datetime import date, timedelta

from django.conf import settings
from django.db import connection

from signatures.models import DailyKey

NUMBER_BYTES = 32

# Processes that make the key of a day at the same moment all get the same one.
_READ_OR_CREATE = """
    INSERT INTO signatures_dailykey (day, number) VALUES (%s, %s)
    ON CONFLICT (day) DO UPDATE SET day = EXCLUDED.day RETURNING number
"""
_known: dict[date, bytes] = {}
clear_cache = _known.clear


def key_of(day: date) -> bytes:
    """Returns the key of this day, which is made when it is needed first."""
    if day not in _known:
        for past in [known for known in _known if known < day - timedelta(days=1)]:
            _known.pop(past, None)
        _known[day] = _read_or_create(day)
    return _known[day]


def _read_or_create(day: date) -> bytes:
    with closing(connection.copy()) as own, own.cursor() as cursor:
        cursor.execute(_READ_OR_CREATE, [day, secrets.token_bytes(NUMBER_BYTES)])
        return _with_secret(bytes(cursor.fetchone()[0]))


def _with_secret(number: bytes) -> bytes:
    return hmac.digest(settings.SECRET_KEY.encode(), number, hashlib.sha256)


def existing_keys(days: Iterable[date]) -> list[bytes]:
    """Returns the keys of those of these days that have one."""
    return [_with_secret(bytes(row.number)) for row in DailyKey.objects.filter(day__in=list(days))]


def destroy(*, before: date) -> int:
    """Delete the keys of the days before this one, and return their number."""
    return DailyKey.objects.filter(day__lt=before).delete()[0]
