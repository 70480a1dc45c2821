"""The text of a letter as this process last read it."""

import time

from django.http import Http404
from django.utils.translation import get_language

from campaign.models import Letter, Translation
from signatures.models import Signature

KEPT = 3.0  # seconds, as long as a page's own copy

# Per process, in each language: the text as it was last read, and when. It spares every POST the look-up, and the
# letter can still be read while the database is down (rule 8).
_texts: dict[tuple[str, str], tuple[float, Translation]] = {}
_slugs: dict[int, str] = {}  # by the number of the letter; a slug never changes once it is public


def newest(slug: str) -> Translation:
    """The newest text of this letter (of the current one without a slug) in the language of the page.

    Raises:
        Http404: when there is none.
    """
    key = slug, get_language() or ""
    if key in _texts and time.monotonic() - _texts[key][0] < KEPT:
        return _texts[key][1]
    if not slug:
        letter = Letter.objects.current()
        slug = letter.slug if letter else ""
    translation = Translation.objects.newest(slug, key[1])
    if translation is None:
        raise Http404
    _texts[key] = time.monotonic(), translation
    return translation


def last_read(slug: str) -> Translation | None:
    """What was read however long ago: for the time in which the database is away."""
    key = slug, get_language() or ""
    return _texts[key][1] if key in _texts else None


def under(signature: Signature) -> Translation:
    """The newest text of the letter that was signed."""
    if signature.letter_id not in _slugs:
        _slugs[signature.letter_id] = signature.letter.slug
    return newest(_slugs[signature.letter_id])


def forget() -> None:
    """What was read in this process is read again."""
    _texts.clear()
    _slugs.clear()
