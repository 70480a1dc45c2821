"""What sends a signature to review. A flag never refuses, and never shows to the signer."""

import re
from collections.abc import Mapping

from django.core import signing

OF_WORDS = frozenset({"link"})  # flags that go when the words change
LONGEST_AGE = 48 * 60 * 60  # seconds that a form may stay open in a browser

_stamps = signing.TimestampSigner(salt="signatures.form")
_LINK = re.compile(
    r"https?:|www\.|://|\b[\w-]+\.(com|net|org|info|biz|io|cn|ru|kr|top|xyz|shop|site|link)\b", re.IGNORECASE
)


def stamp() -> str:
    """The moment at which a form is made, signed."""
    return _stamps.sign("form")


def flags(words: Mapping[str, str], *, trap: str = "", stamp: str | None = None) -> list[str]:
    """Why a person should look at these words; sorted, empty for most.

    Args:
        words: name, role, organisation, comment.
        trap: what stood in the field that people do not see.
        stamp: what `stamp()` gave to the form; None where the form has none.
    """
    found = set()
    if trap:
        found.add("trap")
    if stamp is not None and not _is_fresh(stamp):
        found.add("stale-form")
    if any(_LINK.search(words.get(field, "")) for field in ("role", "organisation", "comment")):
        found.add("link")
    return sorted(found)


def _is_fresh(stamp: str) -> bool:
    try:
        _stamps.unsign(stamp, max_age=LONGEST_AGE)
    except signing.BadSignature:
        return False
    return True
