"""Where the list of names is cut into pages: at places that stay when a name comes or goes."""

from collections.abc import Iterable, Iterator
from datetime import date
from hashlib import sha256
from typing import NamedTuple
from zlib import crc32

FEWEST, MOST = 40, 80  # names on a page, but for the last one
ONE_IN = 16  # of the names beyond the fewest ends its page


class ListedName(NamedTuple):
    """What the list shows of a signature, and is sorted by."""

    public_id: str  # as a page has it: to make a `UUID` of each took longer than to read them
    name: str
    role: str
    organization: str
    country: str
    approved_on: date


class Cut(NamedTuple):
    """The names of one page. `is_last` says that no page follows."""

    rows: list[ListedName]
    is_last: bool

    def digest(self) -> str:
        return sha256("\n".join(map(repr, map(tuple, self.rows))).encode()).hexdigest()


def cut(rows: Iterable[ListedName]) -> Iterator[Cut]:
    """Yields the pages of a list. Without any name there is one empty page.

    A page ends after a name whose id says so. If all pages had as many names, each name that leaves would move one name
    from each following page to the one before, and all of these would be made anew. Here one is as a rule, rarely more
    than four. It takes no list of former pages, so a mirror of many runs has the pages of one made at once.
    """
    page: list[ListedName] = []
    for row in rows:
        if len(page) >= MOST or (len(page) >= FEWEST and crc32(page[-1].public_id.encode()) % ONE_IN == 0):
            yield Cut(page, is_last=False)
            page = []
        page.append(row)
    yield Cut(page, is_last=True)
