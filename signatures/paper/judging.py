"""What becomes of each line of a list on paper: it is accepted, a duplicate, or refused with a reason."""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

from django.utils import timezone

from campaign.letters import text_cache
from campaign.models import Letter
from signatures.models import Signature
from signatures.paper import days, values
from signatures.paper.columns import Columns
from signatures.paper.reading import Table
from signatures.registries.typed_fields import MAX_LENGTHS
from signatures.screening import checks
from signatures.states import Kind
from signatures.values import names
from signatures.values.normalization import name_key

COLUMNS = ("name", "role", "organization", "country", "kind", "visibility", "signed_on", "sheet")
MAX_SHEET_LENGTH = 100
SHOWN_LENGTH = 200  # characters of a cell of a refused line
JUDGED_AT_ONCE = 500  # lines between two reports of the progress

_JOINED = (
    "A cell goes over several lines, and may hold other people. Is a quotation mark missing, or too many? "
    "Where the lines belong together, join them, or save the list as .xlsx."
)

type PersonKey = tuple[str, str, str]  # name key, country and organization: equal for two lines of one person


class Fate(StrEnum):
    """What becomes of a line, in the order in which staff look at them."""

    REFUSED = "refused"
    DUPLICATE = "duplicate"
    ACCEPTED = "accepted"


@dataclass
class PaperLine:
    """One line of the file, and its fate."""

    number: int
    words: dict[str, str]
    fate: str = Fate.ACCEPTED
    explanation: str = ""
    signed_on: str = ""  # ISO 8601
    flags: list[str] = field(default_factory=list)
    same_as: str = ""  # whom it has name, country and organization in common with

    @cached_property
    def key(self) -> PersonKey:
        name, organization = self.words["name"], self.words["organization"]
        return name_key(name) or name, self.words["country"], name_key(organization)

    @property
    def confirmed_at(self) -> datetime | None:
        """The day of signing as the lists show it."""
        return datetime.fromisoformat(self.signed_on).replace(tzinfo=UTC) if self.signed_on else None


def judge(
    letter: Letter,
    table: Table,
    columns: Columns,
    *,
    others: Collection[int] = (),
    on_progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> list[PaperLine]:
    """Returns the lines of a file with the fate that an import would give them now. Writes nothing.

    Args:
        letter: the letter that was signed.
        table: the file.
        columns: what its columns are taken for.
        others: the numbers of lines of which staff said that they are another person of the same name.
        on_progress: called with the number of lines that are judged, and of all lines.
    """
    today = timezone.now().astimezone(ZoneInfo(letter.time_zone)).date()
    records = [*columns.joined_headings(table), *columns.records(table)]
    lines = [_read_line(number, record, table, columns, today) for number, record in records]
    accepted = [line for line in lines if line.fate == Fate.ACCEPTED]
    existing = _existing(accepted, letter)
    first: dict[PersonKey, int] = {}
    for count, line in enumerate(accepted):
        if line.key in existing:
            line.same_as = f"signature {existing[line.key]}"
        elif first.setdefault(line.key, line.number) != line.number:
            line.same_as = f"line {first[line.key]}"
        decide(line, letter, is_other=line.number in others)
        if count % JUDGED_AT_ONCE == 0:
            on_progress(count, len(accepted))
    return lines


def decide(line: PaperLine, letter: Letter, *, is_other: bool) -> None:
    """Accepts a line that nothing refuses, or makes it a duplicate, unless staff said that it is another person."""
    if line.same_as and not is_other:
        line.fate, line.flags = Fate.DUPLICATE, []
        line.explanation = f"the same name, country and organization as {line.same_as}"
        return
    is_organization = line.words["kind"] == Kind.ORGANIZATION
    protected_names = text_cache.people_named(letter)
    found = checks.flags(line.words, protected_names=protected_names, organization=is_organization)
    line.fate, line.flags = Fate.ACCEPTED, [str(flag) for flag in found]
    another = f"another person than {line.same_as}" if line.same_as else ""
    waits = f"waits for review: {', '.join(line.flags)}" if line.flags else ""
    line.explanation = "; ".join(filter(None, (another, waits)))


def digest(lines: list[PaperLine]) -> str:
    """Returns a digest of all fates, so that an import does what its preview showed or nothing."""
    fates = "\n".join(f"{line.number} {line.fate} {line.flags}" for line in lines)
    return hashlib.sha256(fates.encode()).hexdigest()


def _read_line(number: int, record: dict[str, str], table: Table, columns: Columns, today: date) -> PaperLine:
    """Returns the line, cleaned by the rules of the sign form."""
    cells = dict.fromkeys(COLUMNS, "") | record
    line = PaperLine(number, words={column: cell[:SHOWN_LENGTH] for column, cell in cells.items()})
    order = days.Order(columns.order) if columns.order else None
    try:
        _check_quotes(record, table.delimiter, is_joined=number in table.joined)
        line.words = _clean(cells, columns)
        day = days.parse_day(cells["signed_on"], order=order, last=today)
        line.signed_on = day.isoformat() if day else ""
    except ValueError as error:
        line.fate, line.explanation = Fate.REFUSED, str(error)
    return line


def _check_quotes(record: dict[str, str], delimiter: str, *, is_joined: bool) -> None:
    """Raises ValueError where a quotation mark may have joined several lines into one cell, or cut one in two."""
    if is_joined:
        raise ValueError(_JOINED)
    for column, cell in record.items():
        if cell.startswith('"') and '"' not in cell[1:] and (column == "name" or delimiter):
            raise ValueError("A cell begins with a quotation mark that is never closed. Was it cut in two?")
        if "\n" in cell and column == "name":
            raise ValueError(_JOINED)


def _clean(cells: dict[str, str], columns: Columns) -> dict[str, str]:
    lines = {
        column: names.clean_line(cells[column], longest=longest)
        for column, longest in (
            ("role", MAX_LENGTHS["role"]), ("organization", MAX_LENGTHS["organization"]), ("sheet", MAX_SHEET_LENGTH),
        )
    }  # fmt: skip
    return lines | {
        "name": names.clean_name(cells["name"]),
        "country": values.parse_country(cells["country"]),
        "kind": str(values.parse_kind(cells["kind"])),
        "visibility": str(values.parse_visibility(cells["visibility"], columns.visibilities)),
        "signed_on": cells["signed_on"],
    }


def _existing(lines: list[PaperLine], letter: Letter) -> dict[PersonKey, int]:
    """Returns the ids of confirmed signatures by the same people as these lines."""
    confirmed = Signature.objects.filter(letter=letter).standing()
    columns = ("country", "organization", "pk")
    found = confirmed.filter(name_key__in={line.key[0] for line in lines}).order_by("-pk")
    rows = [*found.values_list("name_key", *columns)]
    if names_without_key := {line.words["name"] for line in lines if not name_key(line.words["name"])}:
        rows += confirmed.filter(name_key="", name__in=names_without_key).values_list("name", *columns)
    return {(name, country, name_key(organization)): pk for name, country, organization, pk in rows}
