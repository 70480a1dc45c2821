"""Bar charts: the position and size of each bar, axis and label, for a template to draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 360, 132  # units of the drawing; the page scales it
LEFT, RIGHT, TOP, BOTTOM = 46, 6, 10, 24  # space for the labels around the bars
GAP = 0.25  # share of a bar's space that stays empty
LOWEST = 1.5  # units, so that one of a million is visible
NEXT_LABEL = 40  # units between two labels, at least


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. Coordinates are text, because some languages would write numbers with a comma."""

    label: str
    number: int
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A label at a position of an axis."""

    at: str
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars with their axes, in units of the drawing."""

    bars: list[Bar]
    x_labels: list[Tick]  # labels of the horizontal axis
    y_labels: list[Tick]  # labels of the vertical axis
    total: int
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    x_axis: int = HEIGHT - BOTTOM  # y of the horizontal axis
    x_labels_at: int = HEIGHT - 7  # y of its labels


def bars(numbers: Sequence[int], labels: Sequence[str], axis_labels: Mapping[int, str]) -> Chart:
    """Returns a chart of these numbers, from the left, each with its label.

    The labels of the horizontal axis are by the index of the bar. Those without room are left out.
    """
    top = round_up(max(numbers, default=0))
    step = (WIDTH - LEFT - RIGHT) / max(1, len(numbers))
    full_height = HEIGHT - TOP - BOTTOM
    drawn = []
    for index, (number, label) in enumerate(zip(numbers, labels, strict=True)):
        height = max(LOWEST, number / top * full_height) if number else 0.0
        x, y = LEFT + step * (index + GAP / 2), HEIGHT - BOTTOM - height
        drawn.append(Bar(label, number, _unit(x), _unit(y), _unit(step * (1 - GAP)), _unit(height)))
    x_labels = [Tick(_unit(_middle(index, step)), axis_labels[index]) for index in _with_room(axis_labels, step)]
    shown = sorted({0, top // 2, top} if top > 1 else {0, top})
    y_labels = [Tick(_unit(HEIGHT - BOTTOM - number / top * full_height), abbreviate(number)) for number in shown]
    return Chart(drawn, x_labels, y_labels, sum(numbers))


def _middle(index: int, step: float) -> float:
    """Returns where the label of a bar is centered: at its middle, but not beyond the edge."""
    return min(LEFT + step * (index + 0.5), WIDTH - NEXT_LABEL / 2)


def _with_room(axis_labels: Mapping[int, str], step: float) -> list[int]:
    """Returns the indexes of the labels that do not touch the one before, from the left."""
    kept: list[int] = []
    for index in sorted(axis_labels):
        if not kept or (index - kept[-1]) * step >= NEXT_LABEL:
            kept.append(index)
    return kept


def round_up(number: int) -> int:
    """Returns the next round number for the end of an axis: 1, 2, 4, 6, 8, 10, 20 and so on."""
    if number <= 1:
        return 1
    power = int("1" + "0" * (len(str(number)) - 1))
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= number)


def abbreviate(number: int) -> str:
    """Returns a number as an axis has room for it: 950, 1.2k, 40k, 2M."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.1f}".removesuffix(".0") + letter
    return str(number)


def _unit(number: float) -> str:
    return f"{number:.1f}"
