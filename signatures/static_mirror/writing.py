"""Writes the static mirror: the public pages as files, for days on which the site is under attack."""

from collections import deque
from collections.abc import Callable, Iterator
from datetime import date
from itertools import product
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.http import Http404
from django.urls import reverse
from django.utils import translation

from campaign.models import Letter, Translation
from campaign.runtime.locks import AdvisoryLock, block_lock
from signatures.static_mirror import digests, links, render, rewriting
from signatures.static_mirror.folder import place, replaced_folder
from signatures.static_mirror.frames import Written
from signatures.static_mirror.names import NamePages
from signatures.static_mirror.writers import Writers

NOT_FOUND = "404.html"  # where hosts of static files look for it


class AlreadyRunning(Exception):
    """Another mirror is being written."""


class Result(NamedTuple):
    pages: int
    changed: int  # pages that are new, or differ from the mirror before


def write_mirror(folder: Path, *, on: date, on_progress: Callable[[int], None] = lambda _pages: None) -> Result:
    """Writes the mirror and replaces the one before.

    It follows the links from the first page of each language, as a reader would, so no page that is linked is missing.
    Pages of names after the first are made anew where they can have changed, all others always.

    Each page names the day `on`, those of names the day on which they were made. `on_progress` is called with the
    number of pages that are there.

    Raises:
        AlreadyRunning: another mirror is being written.
        ForeignFolder: the folder holds something else.
        OSError: the folder cannot be written.
    """
    with block_lock(AdvisoryLock.WRITE_MIRROR) as is_held:
        if not is_held:
            raise AlreadyRunning
        with replaced_folder(folder, f"{on}\n{settings.SITE_URL}\n") as (new, former):
            return _Run(new, former, on, on_progress).write()


class _Run:
    """One run: the pages that it has found and written."""

    def __init__(self, new: Path, former: Path, on: date, on_progress: Callable[[int], None]) -> None:
        self.new, self.former, self.on, self.on_progress = new, former, on, on_progress
        self.writers = Writers(new, former, self.note_names)
        self.names = NamePages(new, former, on, self.writers)
        self.statics: set[str] = set()
        self.pages = self.changed = 0

    def write(self) -> Result:
        with self.writers:
            waiting = deque(_start_addresses())
            seen = set(waiting)
            while waiting:
                address = waiting.popleft()
                page = links.list_page(address)
                if page and not page.is_first:
                    continue  # `NamePages` writes it
                found = self.write_page(address, page)
                self.statics |= found.statics
                new = found.addresses - seen
                seen |= new
                waiting.extend(sorted(new))
        self.place(_not_found(self.on, self.statics), NOT_FOUND)
        for name in self.statics:
            self.place(render.read_static(name), links.static_file(name))
        digests.write(self.names.made, self.new, self.former)
        return Result(self.pages + self.names.kept, self.changed)

    def write_page(self, address: str, page: links.ListPage | None) -> rewriting.PageLinks:
        """Writes one page, unless it is gone since it was linked. Returns its links."""
        given = {"page": self.names.first(page.slug, page.kind)} if page else {}
        found = rewriting.PageLinks()
        try:
            response = render.render_page(address, self.on, **given)
        except Http404:
            return found
        content = response.content
        if response["Content-Type"].startswith("text/html"):
            text, found = rewriting.rewrite(content.decode(), address)
            content = text.encode()
        self.note(differs=self.place(content, links.file_for(address) or ""))
        return found

    def place(self, content: bytes, file: str) -> bool:
        return place(content, file, self.new, self.former)

    def note_names(self, page: Written) -> None:
        self.names.note(page)
        self.note(differs=page.differs)

    def note(self, *, differs: bool) -> None:
        self.pages += 1
        self.changed += differs
        self.on_progress(self.pages + self.names.kept)


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


def _not_found(on: date, statics: set[str]) -> bytes:
    text, found = rewriting.rewrite(render.render_not_found(on), "/", at_any_depth=True)
    statics |= found.statics
    return text.encode()
