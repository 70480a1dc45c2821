"""The text of a letter as this process last read it."""

import time

from django.http import Http404
from django.utils.translation import get_language

from campaign.models import Letter, Translation
from signatures.models import Signature

CACHE_SECONDS = 1.0  # seconds; with those of a page's own copy less than the five of rule 8

# Per process, by slug ("" is the current letter): its texts in each language as they were last read, and when. It
# spares every POST the look-up, and the letter can still be read while the database is down (rule 8).
_texts: dict[str, tuple[float, list[Translation]]] = {}
_slugs: dict[int, str] = {}  # by the number of the letter; a slug never changes once it is public


def newest(slug: str) -> Translation:
    """The newest text of this letter (of the current one without a slug) in the language of the page.

    Raises:
        Http404: when there is none.
    """
    now = time.monotonic()
    kept = _texts.get(slug)
    if kept is None or now - kept[0] >= CACHE_SECONDS:
        letter = None if slug else Letter.objects.current()
        texts = list(Translation.objects.in_newest_revision(letter.slug if letter else slug))
        if not texts:
            _texts.pop(slug, None)
            raise Http404
        kept = _texts[slug] = now, texts
    return _in_language(kept[1])


def last_read(slug: str) -> Translation | None:
    """What was read however long ago: for the time in which the database is away."""
    kept = _texts.get(slug)
    return _in_language(kept[1]) if kept else None


def _in_language(texts: list[Translation]) -> Translation:
    language = get_language() or ""
    return min(texts, key=lambda text: text.display_rank(language))


def for_signature(signature: Signature) -> Translation:
    """The newest text of the letter that was signed."""
    if signature.letter_id not in _slugs:
        _slugs[signature.letter_id] = signature.letter.slug
    return newest(_slugs[signature.letter_id])


def clear_cache() -> None:
    """What was read in this process is read again."""
    _texts.clear()
    _slugs.clear()
