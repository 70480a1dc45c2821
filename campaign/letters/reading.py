"""In which language the letter is read, where that is not the language of the page.

A language that the site has no catalog for stands before the rest of an address: `/de/letters/…` has the German text
on an English page, `/de/ko/letters/…` on a Korean one. To Django it is the prefix under which the site is mounted, so
every link on such a page stays with the German text.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings
from django.urls import get_script_prefix, reverse, set_script_prefix
from django.utils import translation

from campaign.letters import languages

_asked = ContextVar("reading", default="")
_is_strict = ContextVar("is_strict", default=False)


def asked() -> str:
    """Returns the language that the address, or the signature on the page, asks for; "" for that of the page."""
    return _asked.get()


def is_missing(language: str) -> bool:
    """Returns whether the address asks for a text in another language than this one, which is all there is."""
    return _is_strict.get() and language != _asked.get()


def wanted() -> str:
    """Returns the language in which the letter is to be shown, if it has a text in it."""
    return _asked.get() or translation.get_language() or settings.LANGUAGE_CODE


@contextmanager
def reading(language: str, *, is_strict: bool = False) -> Iterator[None]:
    """Show the letter in this language meanwhile, and let all addresses lead to that text ("": as the page is).

    Args:
        language: the language of the text.
        is_strict: whether there is no page where there is no such text.
    """
    token, strict, before = _asked.set(language), _is_strict.set(is_strict), get_script_prefix()
    set_script_prefix(prefix_of(language))
    try:
        yield
    finally:
        set_script_prefix(before)
        _is_strict.reset(strict)
        _asked.reset(token)


def prefix_of(language: str) -> str:
    """Returns what addresses of a text begin with: nothing more than / for a language of the site."""
    return f"/{language}/" if has_prefix(language) else "/"


def has_prefix(language: str) -> bool:
    """Returns whether this language is the first part of addresses without being one that pages are in."""
    is_taken = language in dict(settings.LANGUAGES) or settings.ADMIN_PATH.startswith(f"{language}/")
    return language in languages.codes() and not is_taken


def split(path: str) -> tuple[str, str]:
    """Returns the language before an address ("" if there is none) and the address without it."""
    first, slash, rest = path.removeprefix("/").partition("/")
    return (first, f"/{rest}") if slash and has_prefix(first) else ("", path)


def address(language: str, name: str, *args: object) -> str:
    """Returns the address of a page about the text in this language; that of the default language if it has none."""
    page = language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
    with reading(language), translation.override(page):
        return reverse(name, args=args)
