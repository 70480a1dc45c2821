"""Bars for a template to draw: where each stands and how high it is. Knows numbers and labels, nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 360, 132  # units of the drawing; it is as wide as its place on the page
LEFT, RIGHT, TOP, BOTTOM = 46, 6, 10, 24  # room for the words around the bars
GAP = 0.25  # of a bar's place
LOWEST = 1.5  # so that one of a million can be seen
NEXT_LABEL = 40  # units from one label to the next, at least


@dataclass(frozen=True, slots=True)
class Bar:
    """One of them. Places are text, so that no language writes them with a comma."""

    label: str
    number: int
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A word at a place of an axis."""

    at: str
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars with their axes, in units of the drawing."""

    bars: list[Bar]
    below: list[Tick]
    beside: list[Tick]
    total: int
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    floor: int = HEIGHT - BOTTOM
    under: int = HEIGHT - 7  # where the words below stand


def bars(numbers: Sequence[int], labels: Sequence[str], marks: Mapping[int, str]) -> Chart:
    """A chart of these numbers.

    Args:
        numbers: how high the bars are, from the left.
        labels: what each stands for.
        marks: what is written below the axis, by the place of its bar.
    """
    top = round_up(max(numbers, default=0))
    place = (WIDTH - LEFT - RIGHT) / max(1, len(numbers))
    room = HEIGHT - TOP - BOTTOM
    drawn = []
    for index, (number, label) in enumerate(zip(numbers, labels, strict=True)):
        height = max(LOWEST, number / top * room) if number else 0.0
        x = LEFT + place * (index + GAP / 2)
        drawn.append(
            Bar(label, number, _unit(x), _unit(HEIGHT - BOTTOM - height), _unit(place * (1 - GAP)), _unit(height))
        )
    below = [Tick(_unit(_middle(index, place)), marks[index]) for index in _apart(marks, place)]
    shown = sorted({0, top // 2, top} if top > 1 else {0, top})
    beside = [Tick(_unit(HEIGHT - BOTTOM - number / top * room), abbreviate(number)) for number in shown]
    return Chart(drawn, below, beside, sum(numbers))


def _middle(index: int, place: float) -> float:
    """Where a word stands below a bar: in its middle, and not beyond the edge."""
    return min(LEFT + place * (index + 0.5), WIDTH - NEXT_LABEL / 2)


def _apart(marks: Mapping[int, str], place: float) -> list[int]:
    """Those of the marks that have room, from the left."""
    kept: list[int] = []
    for index in sorted(marks):
        if not kept or (index - kept[-1]) * place >= NEXT_LABEL:
            kept.append(index)
    return kept


def round_up(number: int) -> int:
    """The next number that reads well at the end of an axis: 1, 2, 4, 6, 8, 10, 20 and so on."""
    if number <= 1:
        return 1
    power = int("1" + "0" * (len(str(number)) - 1))
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= number)


def abbreviate(number: int) -> str:
    """A number as an axis has room for it: 950, 1.2k, 40k, 2M."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.1f}".removesuffix(".0") + letter
    return str(number)


def _unit(number: float) -> str:
    return f"{number:.1f}"
