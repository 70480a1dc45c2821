"""The days of a list on paper, as people and spreadsheets write them."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum
from functools import cache

from babel import Locale
from django.conf import settings

from campaign.runtime.regular_expressions import linear
from signatures.paper.values import locale_name
from signatures.values.normalization import normalize_for_search

EARLIEST_YEAR = 1900
_LIKELY_SINCE = date(2000, 1, 1)  # where two digits can be the year or the day
_SERIAL_START = date(1899, 12, 30)  # day 0 of spreadsheets, which count a 29 February 1900
_SERIALS = range(20_000, 80_000)  # from 1954 to 2119
# With its fraction, zone and half of the day: 10:20:30.5 Z, 上午10:20, 오후 3:00, 15時20分, 10.20 Uhr.
_TIME = linear(
    r"(?:(?<=\d)T|(?<!\s)(?>\s+))\d{1,2}[:.]\d\d(?:[:.]\d\d)?(?:\D(?s:.*))?\Z"
    r"|(?<!\s)(?>\s+)(?:[^\W\d_]+\s?)?\d{1,2}(?:[時时시點点](?s:.*)|:\d\d(?::\d\d)?(?:\D(?s:.*))?)\Z"
)
_SERIAL = linear(r"(\d{5})(?:[.,]\d+)?\Z")
_DIGITS = linear(r"(\d{4})(\d\d)(\d\d)\Z")
_PARTS = linear(r"\d+|[^\W\d_]+")
# Eras of Japan, also by the letter that stands for them on forms, and of Taiwan: the year before the first one, and how
# many years they have had at most.
_ERAS = {
    "明治": (1867, 45), "m": (1867, 45), "大正": (1911, 15), "t": (1911, 15), "昭和": (1925, 64), "s": (1925, 64),
    "平成": (1988, 31), "h": (1988, 31), "令和": (2018, 99), "r": (2018, 99),
    **dict.fromkeys(["民國", "民国", "中華民國", "中华民国"], (1911, 200)),
}  # fmt: skip
# Beside months and days of the week: words that change nothing.
_FILLERS = frozenset({
    "年", "月", "日", "号", "號", "년", "월", "일", "西暦", "公元", "西元", "서기", "م", "في", "يوم", "ad", "ce",
    "de", "del", "of", "the", "le", "el", "du", "den", "st", "nd", "rd", "th", "er",
})  # fmt: skip


class Order(StrEnum):
    """What of a day stands first, where all of it is numbers."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


def parse_day(typed: str, *, order: Order | None, last: date = date.max) -> date | None:
    """Returns the day of a cell; None for an empty one.

    Args:
        typed: such as 2013-05-07, 07.05.2013, 5/7/2013, 7 May 2013, 2013年5月7日, H25.5.7, 20130507, with or without a
            time, or the number that a spreadsheet has for the day.
        order: what stands first in 5/7/2013 and 13/05/07; None if nobody said.
        last: the last day that is possible.

    Raises:
        ValueError: with a sentence for staff.
    """
    if not typed:
        return None
    readings = _readings(typed)
    if len(set(readings.values())) > 1 and order not in readings:
        raise ValueError("Day, month and year can be read in several orders. Please choose their order.")
    if not readings:
        raise ValueError("The day cannot be read. Please write it like 2026-05-31, or leave it empty.")
    day = readings[order] if order in readings else next(iter(readings.values()))
    if not date(EARLIEST_YEAR, 1, 1) <= day <= last:
        raise ValueError("The day is in the future, or too long ago.")
    return day


def possible_orders(cells: Iterable[str]) -> list[Order]:
    """Returns the orders between which staff have to choose, for days whose order no other day shows."""
    cells = list(cells)
    shown = shown_order(cells)
    unclear = [found for cell in cells if len(set((found := _readings(cell)).values())) > 1 and shown not in found]
    return [order for order in Order if any(order in found for found in unclear)]


def shown_order(cells: Iterable[str]) -> Order | None:
    """Returns the order of the days of a column, by those of the same shape with one reading; None if unknown."""
    shapes: dict[tuple[bool, bool], list[dict[Order, date]]] = defaultdict(list)
    for cell in cells:
        if readings := _readings(cell):
            shapes[_shape(cell)].append(readings)
    found = set()
    for alike in shapes.values():
        if any(len(set(readings.values())) > 1 for readings in alike):
            certain = {next(iter(readings)) for readings in alike if len(readings) == 1}
            found.add(certain.pop() if len(certain) == 1 else None)
    return found.pop() if len(found) == 1 else None


def _shape(typed: str) -> tuple[bool, bool]:
    """Returns what days have in common that are written in one order: the dots, and a year of four digits."""
    parts = _PARTS.findall(_plain(typed))
    return "." in typed, any(len(part) == 4 for part in parts)


def _plain(typed: str) -> str:
    """Returns the day without a time, in plain digits; the first year of an era is 元."""
    return _TIME.sub("", unicodedata.normalize("NFKC", typed).strip()).replace("元年", "1年")


def _readings(typed: str) -> dict[Order, date]:
    """Returns the days that a cell can mean, by the order in which it is read so. One that is certain has one order.

    A word that is not known makes it unreadable: it may be an era that counts the years in another way.
    """
    plain = _plain(typed)
    if (serial := _SERIAL.match(plain)) and int(serial[1]) in _SERIALS:
        return {Order.YEAR: _SERIAL_START + timedelta(days=int(serial[1]))}
    if digits := _DIGITS.match(plain):
        return _valid(Order.YEAR, *digits.groups())
    return _of_words([normalize_for_search(part) for part in _PARTS.findall(plain)], is_dotted="." in typed)


def _of_words(parts: list[str], *, is_dotted: bool) -> dict[Order, date]:
    if parts and parts[0] in _ERAS:
        return _in_era(parts[0], parts[1:])
    numbers = [part for part in parts if part.isdecimal()]
    months = [_months()[part] for part in parts if part in _months()]
    is_known = _ignored().issuperset(part for part in parts if not part.isdecimal() and part not in _months())
    if is_known and len(numbers) == 2 and len(months) == 1:
        year, day = numbers if len(numbers[0]) == 4 else numbers[::-1]
        return _valid(Order.YEAR, year, str(months[0]), day)
    return _of_numbers(*numbers, is_dotted=is_dotted) if is_known and len(numbers) == 3 and not months else {}


def _of_numbers(first: str, second: str, third: str, *, is_dotted: bool) -> dict[Order, date]:
    """Returns the days of three numbers. Where dots are between them the day or the year stands first."""
    year_first = _valid(Order.YEAR, first, second, third)
    if len(first) == 4:
        return year_first
    found = _valid(Order.DAY, third, second, first)
    found |= {} if is_dotted else _valid(Order.MONTH, third, first, second)
    today = date.today()  # noqa: DTZ011  the day alone
    likely = {order: day for order, day in (found | year_first).items() if len(third) == 4 or day >= _LIKELY_SINCE}
    if found and any(day > today for day in year_first.values()):
        likely.pop(Order.YEAR, None)
    return likely or found or year_first


def _in_era(era: str, parts: list[str]) -> dict[Order, date]:
    before, years = _ERAS[era]
    numbers = [part for part in parts if part.isdecimal()]
    if len(numbers) != 3 or not _ignored().issuperset(set(parts) - set(numbers)):
        return {}
    year = int(numbers[0][:4])
    return _valid(Order.YEAR, str(before + year), *numbers[1:]) if 1 <= year <= years else {}


def _valid(order: Order, year: str, month: str, day: str) -> dict[Order, date]:
    """Returns the day, or nothing if there is no such day. A year of two digits is at most the next one.

    Nobody writes a year with one digit, or with three.
    """
    if len(year) not in {2, 4}:
        return {}
    number = int(year)
    if len(year) == 2:
        number += 2000 if number <= date.today().year % 100 + 1 else 1900  # noqa: DTZ011  the year alone
    try:
        return {order: date(number, int(month[:4]), int(day[:4]))}
    except ValueError:
        return {}


@cache
def _months() -> dict[str, int]:
    """Returns the numbers of months by their names in the languages of the pages, but for those of one letter."""
    return _named("months")


@cache
def _ignored() -> frozenset[str]:
    """Returns the words beside numbers and months that change nothing: days of the week, and fillers."""
    return _FILLERS | frozenset(_named("days"))


def _named(kind: str) -> dict[str, int]:
    """Returns the numbers of months or of days of the week by their names. The narrow ones are letters such as M."""
    found: dict[str, int] = {}
    for language in dict(settings.LANGUAGES):
        for context in getattr(Locale.parse(locale_name(language)), kind).values():
            for width, names in context.items():
                if width != "narrow":
                    found |= {normalize_for_search(name).rstrip("."): number for number, name in names.items()}
    return {name: number for name, number in found.items() if name.isalpha()}
