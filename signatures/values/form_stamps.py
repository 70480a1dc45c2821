"""The signed stamp in the signing form, by which the server knows when it made the form."""

import time
from functools import lru_cache

from django.core import signing

HOUR = 60 * 60
MAX_LENGTH = 200  # characters; a longer one is not made by this site, and would stay in memory
MAX_AGE = 48 * HOUR  # seconds that a form may stay open in a browser, from the hour in which it was made


class _HourlySigner(signing.TimestampSigner):
    """All forms of one hour have the same stamp, so that a browser need not load an unchanged page again."""

    def timestamp(self) -> str:
        return signing.b62_encode(int(time.time()) // HOUR * HOUR)


_signer = _HourlySigner(salt="signatures.form")


def make_stamp() -> str:
    """Returns the current hour, signed."""
    return _signer.sign("form")


def is_fresh(stamp: str) -> bool:
    """Returns whether this site made the stamp, not longer ago than `MAX_AGE`, to the hour."""
    return len(stamp) <= MAX_LENGTH and _is_fresh(stamp, int(time.time()) // HOUR)


@lru_cache(maxsize=256)
def _is_fresh(stamp: str, hour: int) -> bool:
    """Nearly all forms that are sent in an hour have one of a few stamps, and none becomes stale within it."""
    try:
        _signer.unsign(stamp, max_age=MAX_AGE)
    except signing.BadSignature:
        return False
    return True
