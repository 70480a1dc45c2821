"""Types of the arguments of commands. What is wrong with one is said in one sentence, before anything is done."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import date

from django_countries import countries


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """Returns the type of a whole number in this range."""
    expected = f"a whole number from {least}" + (f" to {most}" if most is not None else " on")

    def read(typed: str) -> int:
        try:
            number = int(typed)
        except ValueError:  # or of more digits than Python reads
            number = least - 1
        if number < least or (most is not None and number > most):
            raise ArgumentTypeError(f"it must be {expected}")
        return number

    return read


def country(typed: str) -> str:
    """The type of a country. Returns its code: ISO 3166-1, two letters; XK for Kosovo."""
    if (code := typed.strip().upper()) not in countries:
        raise ArgumentTypeError("it must be the two letters of a country, such as KR (ISO 3166-1; XK for Kosovo)")
    return code


def day(typed: str) -> date:
    """The type of a day."""
    try:
        return date.fromisoformat(typed)
    except ValueError:
        raise ArgumentTypeError("it must be a day, such as 2026-03-31") from None
