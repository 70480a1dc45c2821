"""The pages of names in the mirror: read once for all languages, and made anew where they can have changed."""

from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.db.models import CharField
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils import translation
from django.utils.html import escape
from django_countries import countries

from signatures.models import Signature
from signatures.public_list.pagination import Page, cursor_at
from signatures.states import Kind
from signatures.static_mirror import digests, links, render, rewriting
from signatures.static_mirror.cutting import Cut, ListedName, cut
from signatures.static_mirror.folder import keep
from signatures.static_mirror.frames import NEXT, OWN, Frame, PageOfNames, Written
from signatures.static_mirror.writers import Writers

CHUNK = 2_000  # rows read at once
ANY_DAY = date(2000, 1, 1)  # a frame is compared as of this day: a page tells the day on which it was made
PLACEHOLDER = ListedName(str(links.NOBODY), "Name", "Role", "Organization", "FR", ANY_DAY)


class NamePages:
    """Writes all pages of names but the first of each list, which the mirror writes like any other page."""

    def __init__(self, new: Path, former: Path, on: date, writers: Writers) -> None:
        self.new, self.former, self.on = new, former, on
        self.writers = writers
        self.made: dict[str, digests.Made] = {}
        self.kept = 0
        self._known = digests.read(former)
        self._fingerprints: dict[str, str] = {}  # of pages that are being written
        self._first: dict[tuple[str, str], Page] = {}

    def first(self, slug: str, kind: str) -> Page:
        """Returns the names of the first page of a list. The first call for a list writes its other pages.

        Args:
            slug: of the letter.
            kind: of the signatures.

        Raises:
            OSError: a page cannot be written.
        """
        if (slug, kind) not in self._first:
            with transaction.atomic():  # in which alone the cursor lives
                self._read(slug, kind)
        return self._first[slug, kind]

    def note(self, page: Written) -> None:
        """Remembers a page that is written."""
        self.made[page.file] = digests.Made(page.digest, self._fingerprints.pop(page.file))

    def _read(self, slug: str, kind: str) -> None:
        frames, cursor = _Frames(slug, kind, self.on), ""
        for page in cut(listed_names(slug, kind)):
            next_cursor = "" if page.is_last else cursor_after(page.rows[-1])
            if not cursor:
                rows = [Signature(**row._asdict()) for row in page.rows]
                self._first[slug, kind] = Page(rows=rows, is_first=True, after=next_cursor)
            else:
                self._make(PageOfNames(cursor, next_cursor, page.rows), page, frames)
            cursor = next_cursor

    def _make(self, names: PageOfNames, page: Cut, frames: "_Frames") -> None:
        """Keeps or writes a page in each language."""
        digest = page.digest()
        for language, _name in settings.LANGUAGES:
            frame, frame_digest = frames.to_compare(language, is_last=page.is_last)
            file = frame.file_at(names.cursor)
            fingerprint = sha256(f"{frame_digest} {digest} {names.cursor} {names.next_cursor}".encode()).hexdigest()
            known = self._known.get(file)
            if known and known.fingerprint == fingerprint and keep(file, known.digest, self.new, self.former):
                self.made[file] = known
                self.kept += 1
            else:
                self._fingerprints[file] = fingerprint
                self.writers.add(frames.to_write(language, is_last=page.is_last), names)


def listed_names(slug: str, kind: str) -> Iterator[ListedName]:
    """Yields all names of a list that are public now, as the pages have them."""
    listed = Signature.objects.filter(letter__slug=slug).public().listed_by_page(kind).newest_first()
    words = ("name", "role", "organization", "country", "approved_on")
    rows = listed.values_list(Cast("public_id", CharField()), *words)
    return (ListedName(*row) for row in rows.iterator(chunk_size=CHUNK))


def cursor_after(row: ListedName) -> str:
    return cursor_at(row.approved_on, row.public_id.replace("-", ""))


class _Frames:
    """The frames of one list. The last page has another one, because no page follows."""

    def __init__(self, slug: str, kind: str, on: date) -> None:
        self._list, self._on = (slug, kind), on
        self._to_compare: dict[tuple[str, bool], tuple[Frame, str]] = {}
        self._to_write: dict[tuple[str, bool], Frame] = {}

    def to_compare(self, language: str, *, is_last: bool) -> tuple[Frame, str]:
        """Returns the frame as of any day, and a digest of all that a page is made from, but for its names.

        The frame is rendered, so whatever changes it counts: a setting, a template, the look or the title of a letter.
        """
        key = language, is_last
        if key not in self._to_compare:
            frame = _frame(*self._list, language, ANY_DAY, is_last=is_last)
            parts = (digests.code_digest(), frame.before, frame.items([PLACEHOLDER]), frame.after, frame.countries)
            self._to_compare[key] = frame, sha256(repr(parts).encode()).hexdigest()
        return self._to_compare[key]

    def to_write(self, language: str, *, is_last: bool) -> Frame:
        key = language, is_last
        if key not in self._to_write:
            self._to_write[key] = _frame(*self._list, language, self._on, is_last=is_last)
        return self._to_write[key]


def _frame(slug: str, kind: str, language: str, on: date, *, is_last: bool) -> Frame:
    """Returns the frame of a list in a language: its page with one name, in which that name is cut out."""
    with translation.override(language):
        query = {"kind": kind} if kind == Kind.ORGANIZATION else {}
        address = f"{reverse('signatories', args=[slug])}?{urlencode({**query, 'after': OWN})}"
        entry = settings.SITE_URL + reverse("entry", args=[slug, links.NOBODY])
        names = {code: escape(str(name)) for code, name in countries}
    start, _nobody, end = entry.partition(str(links.NOBODY))
    page = Page(rows=[Signature(**PLACEHOLDER._asdict())], is_first=False, after="" if is_last else NEXT)
    response = render.render_page(address, on, page=page)
    text, _links = rewriting.rewrite(response.content.decode(), address)
    frame = Frame("", "", links.file_for(address) or "", (start, end), names)
    before, item, after = text.partition(frame.items([PLACEHOLDER]))
    if not item:
        raise RuntimeError(f"{address}: the list shows names otherwise than `name_item` makes them")
    return Frame(before, after, frame.file, frame.entry, frame.countries)
