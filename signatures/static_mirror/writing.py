"""Writes the static mirror: the public pages as files, for days on which the site is under attack."""

from collections import deque
from collections.abc import Callable, Iterator
from datetime import date
from itertools import product
from pathlib import Path

from django.conf import settings
from django.http import Http404
from django.urls import reverse
from django.utils import translation

from campaign.models import Letter, Translation
from campaign.runtime.locks import AdvisoryLock, block_lock
from signatures.static_mirror import links, render, rewriting
from signatures.static_mirror.folder import replaced_folder

NOT_FOUND = "404.html"  # where hosts of static files look for it


class AlreadyRunning(Exception):
    """Another mirror is being written."""


def write_mirror(folder: Path, *, on: date, on_progress: Callable[[int], None] = lambda _pages: None) -> int:
    """Writes the mirror and replaces the one before. Returns the number of pages.

    It follows the links from the first page of each language, as a reader would, so no page that is linked is missing.

    Each page names the day `on`. `on_progress` is called with the number of pages that are written.

    Raises:
        AlreadyRunning: another mirror is being written.
        ForeignFolder: the folder holds something else.
        OSError: the folder cannot be written.
    """
    with block_lock(AdvisoryLock.WRITE_MIRROR) as is_held:
        if not is_held:
            raise AlreadyRunning
        with replaced_folder(folder, f"{on}\n{settings.SITE_URL}\n") as into:
            statics: set[str] = set()
            waiting = deque(_start_addresses())
            seen = set(waiting)
            pages = 0
            while waiting:
                found = _write_page(waiting.popleft(), into, on)
                statics |= found.statics
                new = found.addresses - seen
                seen |= new
                waiting.extend(sorted(new))
                pages += 1
                on_progress(pages)
            (into / NOT_FOUND).write_bytes(_not_found(on, statics))
            for name in statics:
                _write(into / links.static_file(name), render.read_static(name))
    return pages


def _start_addresses() -> Iterator[str]:
    """Returns the addresses from which links lead to all other pages."""
    published = Translation.objects.published()
    letters = list(Letter.objects.published().filter(revisions__translations__in=published).distinct())
    yield reverse("robots")
    yield from (reverse("api", args=[letter.slug]) for letter in letters)
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            yield from [reverse("first"), reverse("privacy"), reverse("help")] if letters else []
            yield from (reverse(page, args=[letter.slug]) for page, letter in product(("letter", "news"), letters))


def _write_page(address: str, into: Path, on: date) -> rewriting.PageLinks:
    """Writes one page, unless it is gone since it was linked. Returns its links."""
    try:
        response = render.render_page(address, on)
    except Http404:
        return rewriting.PageLinks()
    found = rewriting.PageLinks()
    content = response.content
    if response["Content-Type"].startswith("text/html"):
        text, found = rewriting.rewrite(content.decode(), address)
        content = text.encode()
    _write(into / (links.file_for(address) or ""), content)
    return found


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def _not_found(on: date, statics: set[str]) -> bytes:
    text, found = rewriting.rewrite(render.render_not_found(on), "/", at_any_depth=True)
    statics |= found.statics
    return text.encode()
