"""What cells of a list on paper mean: days, countries, kinds and visibilities as people and spreadsheets write them."""

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import cache

from babel import Locale
from babel.core import get_global
from django.conf import settings
from django_countries import countries

from campaign.runtime.regular_expressions import linear
from signatures.states import Kind, Visibility
from signatures.values.normalization import normalize_for_search

EARLIEST_YEAR = 1900
_SERIAL_START = date(1899, 12, 30)  # day 0 of spreadsheets, which count a 29 February 1900
_SERIALS = range(20_000, 80_000)  # from 1954 to 2119
_TIME = linear(r"(?<![T\s])[T\s]+\d{1,2}[:.]\d\d(?:[:.]\d\d)?(?:\D.*)?\Z")  # with its fraction and zone
_SERIAL = linear(r"(\d{5})(?:[.,]\d+)?\Z")
_DIGITS = linear(r"(\d{4})(\d\d)(\d\d)\Z")
_PARTS = linear(r"\d+|[^\W\d_]+")
# Names that people use beside those of today.
_OTHER_NAMES = {
    "Czech Republic": "CZ", "Turkey": "TR", "Ivory Coast": "CI", "Burma": "MM", "Swaziland": "SZ", "Cape Verde": "CV",
    "Holland": "NL", "England": "GB", "Scotland": "GB", "Wales": "GB", "Great Britain": "GB", "Republic of Korea": "KR",
    "한국": "KR", "Democratic People's Republic of Korea": "KP", "Russian Federation": "RU",
}  # fmt: skip
_KINDS = {"person": Kind.PERSON, "individual": Kind.PERSON, "organization": Kind.ORGANIZATION, "": Kind.PERSON}
_VISIBILITIES = {"": Visibility.DELIVERY, "public": Visibility.PUBLIC, "delivery": Visibility.DELIVERY}


def parse_kind(typed: str) -> Kind:
    """Raises ValueError with a sentence for staff, like all of this module."""
    try:
        return _KINDS[normalize_for_search(typed)]
    except KeyError:
        raise ValueError("The kind must be “person” or “organization”, or empty.") from None


def parse_visibility(typed: str, answers: Mapping[str, str]) -> Visibility:
    """Returns the visibility; of words such as “yes” that which staff said they mean (`answers`)."""
    key = normalize_for_search(typed)
    meant = answers.get(key, "") or _VISIBILITIES.get(key, "")
    if not meant:
        raise ValueError("The visibility must be “public” or “delivery”: nobody signs on paper without a name.")
    return Visibility(meant)


def asked_visibilities(cells: Iterable[str]) -> list[str]:
    """Returns the words of a column of which staff have to say whether they mean “public”."""
    return sorted({key for cell in cells if (key := normalize_for_search(cell)) not in _VISIBILITIES})


def parse_country(typed: str) -> str:
    """Returns the code of a country that is written as a code or by its name in a language of the pages."""
    key = _country_key(typed)
    if not key:
        return ""
    if key not in _country_codes():
        raise ValueError("This country is not known. Please write its name in English, or its code of two letters.")
    return _country_codes()[key]


@cache
def _country_codes() -> dict[str, str]:
    """Returns the codes by all that names a country: codes of two and three letters, former ones, names."""
    known = set(countries.countries)
    found = {_country_key(old): new[0] for old, new in get_global("territory_aliases").items() if {new[0]} <= known}
    for language in dict(settings.LANGUAGES):
        names = Locale.parse(_locale_name(language)).territories
        found |= {_country_key(name): code for code, name in names.items() if code in known}
    found |= {_country_key(name): code for name, code in _OTHER_NAMES.items()}
    found |= {_country_key(str(name)): code for code, name in countries.countries.items()}
    return found | {_country_key(code): code for code in known}


def _locale_name(language: str) -> str:
    return {"zh-hans": "zh_Hans", "zh-hant": "zh_Hant"}.get(language, language)


def _country_key(typed: str) -> str:
    words = normalize_for_search(typed).removeprefix("the ").replace("&", "and")
    return "".join(c for c in words if unicodedata.category(c)[0] in "LMN")


def parse_day(typed: str, *, day_first: bool | None, last: date = date.max) -> date | None:
    """Returns the day of a cell; None for an empty one.

    Args:
        typed: such as 2013-05-07, 07.05.2013, 5/7/2013, 7 May 2013, 2013年5月7日, 20130507, with or without a time, or
            the number that a spreadsheet has for the day.
        day_first: whether 5/7/2013 is the fifth of July; None if nobody said.
        last: the last day that is possible.
    """
    if not typed:
        return None
    readings = _readings(typed)
    if len(set(readings)) > 1:
        if day_first is None:
            raise ValueError("Day and month could be either. Please choose their order.")
        readings = readings[:1] if day_first else readings[1:]
    if readings and not date(EARLIEST_YEAR, 1, 1) <= readings[0] <= last:
        raise ValueError("The day is in the future, or too long ago.")
    if not readings:
        raise ValueError("The day cannot be read. Please write it like 2026-05-31, or leave it empty.")
    return readings[0]


def is_ambiguous(typed: str) -> bool:
    """Returns whether a day is one with the day first and another one with the month first."""
    return len(set(_readings(typed))) > 1


def day_order(cells: Iterable[str]) -> bool | None:
    """Returns whether the days of a column have the day first, by those with one reading; None if unknown."""
    orders = {order for cell in cells if (order := _order_of(cell)) is not None}
    return orders.pop() if len(orders) == 1 else None


def _order_of(typed: str) -> bool | None:
    """Returns whether a day with two numbers before its year can only have the day first, or only the month."""
    parts = _PARTS.findall(_TIME.sub("", typed.strip()))
    if len(parts) != 3 or not all(map(str.isdecimal, parts)) or len(parts[0]) == 4 or "." in typed:
        return None
    day_first, month_first = (_valid(parts[2], parts[place], parts[1 - place]) for place in (1, 0))
    return bool(day_first) if len(day_first + month_first) == 1 else None


def _readings(typed: str) -> list[date]:
    """Returns the days that a cell can mean: the one with the day first, then the one with the month first."""
    plain = _TIME.sub("", unicodedata.normalize("NFKC", typed).strip())
    if (serial := _SERIAL.match(plain)) and int(serial[1]) in _SERIALS:
        return [_SERIAL_START + timedelta(days=int(serial[1]))]
    if digits := _DIGITS.match(plain):
        return _valid(*digits.groups())
    parts = _PARTS.findall(plain)
    numbers = [part for part in parts if part.isdecimal()]
    months = [month for part in parts if (month := _months().get(normalize_for_search(part)))]
    if len(numbers) == 2 and len(months) == 1:
        year, day = numbers if len(numbers[0]) == 4 else numbers[::-1]
        return _valid(year, str(months[0]), day)
    if len(numbers) != 3:
        return []
    if len(numbers[0]) == 4:
        return _valid(*numbers)
    day_first = _valid(numbers[2], numbers[1], numbers[0])
    return day_first if "." in typed else day_first + _valid(numbers[2], numbers[0], numbers[1])


def _valid(year: str, month: str, day: str) -> list[date]:
    """Returns the day, or nothing if there is no such day. A year of two digits is at most the next one."""
    number = int(year) if len(year) <= 4 else 0
    if len(year) <= 2:
        number += 2000 if number <= date.today().year % 100 + 1 else 1900  # noqa: DTZ011  the year alone
    try:
        return [date(number, int(month[:4]), int(day[:4]))]
    except ValueError:
        return []


@cache
def _months() -> dict[str, int]:
    """Returns the numbers of months by their names in the languages of the pages."""
    found: dict[str, int] = {}
    for language in dict(settings.LANGUAGES):
        months = Locale.parse(_locale_name(language)).months
        for names in (form for context in months.values() for form in context.values()):
            found |= {normalize_for_search(name).rstrip("."): number for number, name in names.items()}
    return {name: number for name, number in found.items() if name.isalpha()}
