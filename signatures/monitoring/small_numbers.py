"""Tables of numbers for statisticians, in which no small number tells on a person (threat model P4)."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SMALL = 5  # a smaller number in a breakdown is hidden
NOT_GIVEN = "not given"
OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Table:
    """A breakdown: for each row its label and a number for each column. None is a number that is hidden."""

    name: str
    columns: list[str]
    rows: list[tuple[str, list[int | None]]]

    def hidden_rows(self) -> set[str]:
        """Returns the labels of the rows with a number that is hidden."""
        return {label for label, numbers in self.rows if None in numbers}


def table(name: str, columns: Mapping[Any, str], cells: Iterable[tuple[str, Any, int]]) -> Table:
    """Returns the breakdown of these cells (label of the row, column, number), with small numbers hidden."""
    numbers = _rows(columns, cells)
    labels = sorted(numbers)
    shown = [hide_small([numbers[label][column] for label in labels]) for column in columns]
    rows = [(label, list(row)) for label, row in zip(labels, zip(*shown, strict=True), strict=True)]
    return Table(name, list(columns.values()), rows)


def table_without_small_rows(
    name: str, columns: Mapping[Any, str], cells: Iterable[tuple[str, Any, int]], hidden_elsewhere: Collection[str]
) -> Table:
    """Returns the breakdown of these cells, in which a row is shown with all its numbers or not at all.

    For numbers that another table takes apart: a row of which that one hides a number (`hidden_elsewhere`) would tell
    it, and so would a number beside a hidden one. Such rows, and those with a small number, are one row, `OTHERS`. It
    is never that of one row alone, and has no small number unless the total of the column is one.
    """
    numbers = _rows(columns, cells)
    together = {
        label for label, row in numbers.items() if label in hidden_elsewhere or any(map(is_small, row.values()))
    }
    more = sorted(numbers.keys() - together, key=lambda label: (numbers[label].total(), label))
    sums = _sum(numbers[label] for label in together)
    while together and more and (len(together) < 2 or any(map(is_small, sums.values()))):
        together.add(more[0])
        sums += numbers[more.pop(0)]
    shown = [(label, numbers[label]) for label in sorted(more)]
    lines = [*shown, *([(OTHERS, sums)] if together else [])]
    return Table(name, list(columns.values()), [(label, [row[column] for column in columns]) for label, row in lines])


def _rows(columns: Mapping[Any, str], cells: Iterable[tuple[str, Any, int]]) -> dict[str, Counter[Any]]:
    found: dict[str, Counter[Any]] = {}
    for label, column, number in cells:
        if column in columns:
            found.setdefault(label or NOT_GIVEN, Counter())[column] += number
    return found


def _sum(rows: Iterable[Counter[Any]]) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for row in rows:
        found += row
    return found


def is_small(number: int) -> bool:
    """Returns whether a number could tell on a person."""
    return 0 < number < SMALL


def hide_small(numbers: Sequence[int]) -> list[int | None]:
    """Returns the numbers of a column with None for those that could tell on a person.

    Hidden is each number from 1 to `SMALL` - 1. The total of a column is known, so the next smallest are hidden, too,
    until what is hidden are several numbers that make at least `SMALL` together; where they do not, the zeros as well.
    The number of a column with one row is its total, which stands elsewhere.
    """
    hidden = {place for place, number in enumerate(numbers) if is_small(number)}
    others = sorted((number, place) for place, number in enumerate(numbers) if number >= SMALL)
    while hidden and others and (len(hidden) < 2 or sum(numbers[place] for place in hidden) < SMALL):
        hidden.add(others.pop(0)[1])
    if is_small(sum(numbers)):
        return [None] * len(numbers)
    return [None if place in hidden else number for place, number in enumerate(numbers)]
