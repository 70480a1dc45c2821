"""The published texts of letters, and how many letters there are, as this process last read them."""

from django.db import Error as DatabaseError
from django.db.models import Exists
from django.http import Http404

from campaign.letters import reading
from campaign.models import Letter, Translation, in_language
from campaign.runtime.expiring_cache import ExpiringCache

CACHE_SECONDS = 0.5  # twice this and a cached page's time are at most the five seconds of architecture, rule 8

# By slug ("" is the current letter) or id, in all languages. It spares every POST a query, and the letter can still be
# read while the database is down (architecture, rule 8).
_texts = ExpiringCache[str | int, list[Translation]](CACHE_SECONDS)
_named = ExpiringCache[int, list[str]](30.0)
_listed = ExpiringCache[None, list[Letter]](CACHE_SECONDS)


def newest(letter: str | int, *, or_another: bool = False) -> Translation:
    """Returns the newest text of this letter in the language that is wanted.

    Args:
        letter: its slug or its id; "" is the current letter.
        or_another: whether another language will do where the address names one that the letter has no text in: for
            what somebody typed into a form.

    Raises:
        Http404: when there is none.
    """
    texts = _texts.get_or_load(letter, lambda: _read(letter))
    text = in_language(texts, reading.wanted())
    if text is None:
        _texts.discard(letter)  # anybody can make up a slug
        raise Http404
    if reading.is_missing(text.language) and not or_another:
        raise Http404
    return text


def last_read(slug: str) -> Translation | None:
    """Returns the text that was read last, however long ago: for the time in which the database is away."""
    return in_language(_texts.last(slug) or [], reading.wanted())


def people_named(letter: Letter) -> list[str]:
    """Returns recipient, lines of the address and original signatories in all texts of a letter, and what staff add.

    Also in drafts, and in whatever language: somebody may sign as one of them to do harm.
    """
    return _named.get_or_load(letter.pk, lambda: _read_people(letter))


def _read_people(letter: Letter) -> list[str]:
    columns = "recipient", "addressee", "signatories", "revision__letter__protected_names"
    found = [letter.recipient]
    for recipient, addressee, signatories, added in Translation.objects.filter(revision__letter=letter).values_list(
        *columns
    ):
        found += [recipient, *addressee.split("\n"), *(person["name"] for person in signatories)]
        found += map(str.strip, added.splitlines())
    return list(dict.fromkeys(filter(None, found)))


def only_letter() -> Letter | None:
    """Returns the letter that a page without one of its own is about; None if it may be another one.

    An archived letter has signers, too, who look for their link.
    """
    listed = _first_listed()
    return listed[0] if len(listed) == 1 and not listed[0].has_archived else None  # type: ignore[attr-defined]  # `_read_listed`


def has_several_letters() -> bool:
    """Returns whether there is more than one letter in the index. Without the database: as it was."""
    return len(_first_listed()) > 1


def has_letters() -> bool:
    """Returns whether there is any letter in the index, and so one at `/`. Without the database: as it was."""
    return bool(_first_listed())


def _first_listed() -> list[Letter]:
    try:
        return _listed.get_or_load(None, _read_listed)
    except DatabaseError:
        _listed.put(None, _listed.last(None) or [])  # nobody else waits for it in this second
        return _listed.last(None) or []


def _read_listed() -> list[Letter]:
    archived = Letter.objects.filter(state=Letter.State.ARCHIVED)
    letters = list(Letter.objects.listed().annotate(has_archived=Exists(archived))[:2])
    _listed.put(None, letters)
    return letters


def _read(letter: str | int) -> list[Translation]:
    if letter == "":
        return next((Translation.objects.shown(current.pk) for current in _read_listed()), [])
    return Translation.objects.shown(letter)


def clear_cache() -> None:
    _texts.clear()
    _named.clear()
    _listed.clear()
