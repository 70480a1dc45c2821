"""The published texts of letters as this process last read them."""

import contextlib

from django.http import Http404

from campaign.letters import reading
from campaign.models import Letter, Translation, in_language
from campaign.runtime.expiring_cache import ExpiringCache

CACHE_SECONDS = 1.0  # with the time of a cached page less than the five seconds of architecture, rule 8

# By slug ("" is the current letter), in all languages. It spares every POST a query, and the letter can still be read
# while the database is down (architecture, rule 8).
_texts = ExpiringCache[str, list[Translation]](CACHE_SECONDS)
_slugs: dict[int, str] = {}  # by the id of the letter


def newest(slug: str) -> Translation:
    """Returns the newest text of this letter (of the current one without a slug) in the language that is wanted.

    Raises:
        Http404: when there is none.
    """
    texts = _texts.get_or_load(slug, lambda: _read(slug))
    text = in_language(texts, reading.wanted())
    if text is None:
        _texts.discard(slug)  # anybody can make up a slug
        raise Http404
    return text


def newest_by_id(letter_id: int) -> Translation:
    """Returns the newest text of this letter in the language that is wanted.

    Raises:
        Http404: when there is none.
    """
    if letter_id in _slugs:
        with contextlib.suppress(Http404):  # staff changed the slug; another letter may have it now
            text = newest(_slugs[letter_id])
            if text.revision.letter_id == letter_id:
                return text
    _slugs[letter_id] = Letter.objects.values_list("slug", flat=True).get(pk=letter_id)
    return newest(_slugs[letter_id])


def last_read(slug: str) -> Translation | None:
    """Returns the text that was read last, however long ago: for the time in which the database is away."""
    return in_language(_texts.last(slug) or [], reading.wanted())


def _read(slug: str) -> list[Translation]:
    letter = None if slug else Letter.objects.current()
    return Translation.objects.shown(letter.slug if letter else slug)


def clear_cache() -> None:
    _texts.clear()
    _slugs.clear()
