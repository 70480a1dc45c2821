"""Pages of names after the first, put together from a frame and names. One view renders the frame of many pages.

Nothing here needs settings or a database, so that other processes can do it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from signatures.public_list.name_items import name_item
from signatures.static_mirror.cutting import ListedName
from signatures.static_mirror.folder import place

# Cursors that stand in a frame for those of the page and of the page after it. No signature has such an id.
OWN, NEXT = f"0001-01-01.{'0' * 31}1", f"0001-01-01.{'0' * 31}2"


@dataclass(frozen=True, slots=True)
class Frame:
    """All but the names of the pages of one list in one language.

    Args:
        before: the page up to its names.
        after: the page behind them.
        file: of a page, with the cursor `OWN`.
        entry: the address of the page of a name, before and after its id.
        countries: the escaped name of each country, by its code.
    """

    before: str
    after: str
    file: str
    entry: tuple[str, str]
    countries: Mapping[str, str]

    def file_at(self, cursor: str) -> str:
        return self.file.replace(OWN, cursor)

    def page(self, names: "PageOfNames") -> str:
        return self._at(self.before, names) + self.items(names.rows) + self._at(self.after, names)

    def items(self, rows: Iterable[ListedName]) -> str:
        start, end = self.entry
        return "\n".join(
            name_item(row, f"{start}{row.public_id}{end}", self.countries.get(row.country, "")) for row in rows
        )

    @staticmethod
    def _at(part: str, names: "PageOfNames") -> str:
        return part.replace(OWN, names.cursor).replace(NEXT, names.next_cursor)


class PageOfNames(NamedTuple):
    """The names of a page after the first; without `next_cursor` it is the last one."""

    cursor: str
    next_cursor: str
    rows: list[ListedName]


class Written(NamedTuple):
    file: str
    digest: str
    differs: bool  # from the former mirror


def write_pages(pages: Iterable[tuple[Frame, PageOfNames]], new: Path, former: Path) -> list[Written]:
    """Writes pages of names into the new folder.

    Raises:
        OSError: one cannot be written.
    """
    return [_write_page(frame, names, new, former) for frame, names in pages]


def _write_page(frame: Frame, names: PageOfNames, new: Path, former: Path) -> Written:
    content, file = frame.page(names).encode(), frame.file_at(names.cursor)
    return Written(file, sha256(content).hexdigest(), place(content, file, new, former))
