"""Which line holds the headings of a table, and what each column is taken for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from signatures.paper import days, headings, values
from signatures.paper.reading import TITLE_LINES, Table

# What a column can be taken for, with its name for staff.
FIELDS = {
    "name": "name",
    "first_name": "first name",
    "last_name": "last name",
    "role": "role",
    "organization": "organization",
    "country": "country",
    "kind": "person or organization",
    "visibility": "visibility",
    "signed_on": "day of signing",
    "sheet": "where the paper is",
}
MAX_ASKED = 6  # words of visibilities; a column with more of them holds something else
NO_HEADINGS = 0  # in place of the number of their line


@dataclass(frozen=True, slots=True)
class Columns:
    """What staff said about a table.

    Attributes:
        heading: the number of the line with the headings, or `NO_HEADINGS`.
        fields: for each column one of `FIELDS`, or "" if it is left out.
        order: what stands first in days such as 5/7/2013, one of `days.Order`; "" if nobody had to say.
        visibilities: what words such as "yes" mean.
    """

    heading: int
    fields: Sequence[str]
    order: str = ""
    visibilities: Mapping[str, str] = field(default_factory=dict)

    def records(self, table: Table) -> Iterator[tuple[int, dict[str, str]]]:
        """Yields the number of each line below the headings, and its cells by the field that they are taken for."""
        for number, cells in table.rows:
            if number > self.heading:
                record = {field: cell for field, cell in zip(self.fields, cells, strict=False) if field}
                parts = [record.pop(part, "") for part in ("first_name", "last_name")]
                yield number, {"name": " ".join(filter(None, parts)), **record}

    def joined_headings(self, table: Table) -> Iterator[tuple[int, dict[str, str]]]:
        """Yields what stands above the first record, where a stray quotation mark may have put people into it.

        Headings over several lines are common; with the sign between the cells in them they are rows.
        """
        for number, cells in table.rows:
            if number <= self.heading and number in table.joined and any(table.delimiter in cell for cell in cells):
                yield number, {"name": " ".join(filter(None, cells))}

    def cells(self, table: Table, wanted: str) -> list[str]:
        return [record[wanted] for _number, record in self.records(table) if record.get(wanted)]


def heading_line(table: Table) -> int:
    """Returns the number of the line with the headings: of the first lines the one with most that are known.

    Without a known one it is none: a file without headings loses no person.
    """
    first = table.rows[:TITLE_LINES]
    known = [headings.number_known(cells) for _number, cells in first]
    return first[known.index(max(known))][0] if any(known) else NO_HEADINGS


def headings_of(table: Table, heading: int) -> list[str]:
    """Returns the headings of all columns; where there are none, what staff call such a column."""
    cells = next((cells for number, cells in table.rows if number == heading), [""] * len(table.rows[0][1]))
    return [cell or f"column {number}" for number, cell in enumerate(cells, start=1)]


def suggest(table: Table, heading: int, remembered: Mapping[str, str]) -> list[str]:
    """Returns what each column is taken for; each field once, by the first column that is headed so.

    Args:
        table: the file.
        heading: the line with the headings.
        remembered: what staff took headings for last, by their digests.
    """
    taken: list[str] = []
    for text in headings_of(table, heading):
        found = remembered.get(headings.digest(text), headings.field_of(text))
        taken.append(found if found not in taken else "")
    if "first_name" in taken and "last_name" not in taken:  # "Name" beside a first name is the last one
        taken = ["last_name" if field == "name" else field for field in taken]
    return taken


def problem(fields: Sequence[str]) -> str:
    """Returns why columns cannot be taken for these fields, in a sentence; "" if they can."""
    chosen = [field for field in fields if field]
    if twice := next((field for field in chosen if chosen.count(field) > 1), ""):
        return f"Two columns are taken for “{FIELDS[twice]}”. Please choose one of them."
    has_name, has_parts = "name" in chosen, not {"first_name", "last_name"}.isdisjoint(chosen)
    if has_name and has_parts:
        return "Please take either one column for the name, or one for the first and one for the last name."
    return "" if has_name or has_parts else "Please choose the column that holds the name."


def shown_order(table: Table, columns: Columns) -> str:
    """Returns what stands first in the days of the file, one of `days.Order`, as far as they show it."""
    return days.shown_order(columns.cells(table, "signed_on")) or ""


def possible_orders(table: Table, columns: Columns) -> list[days.Order]:
    """Returns the orders between which staff have to choose; none if the days of the file show theirs."""
    return days.possible_orders(columns.cells(table, "signed_on"))


def asked_visibilities(table: Table, columns: Columns) -> list[str]:
    """Returns the words of which staff have to say whether they mean that the name is public."""
    return values.asked_visibilities(columns.cells(table, "visibility"))[:MAX_ASKED]
