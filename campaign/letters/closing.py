"""When a letter closes, in words: its last day, in its time zone, and the name of that zone."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import get_timezone_location
from django.utils import formats
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from campaign.models import Letter

INSTANT = timedelta(microseconds=1)
END_OF_DAY = timedelta(minutes=1)  # who means "until the end of the day" types 23:59, or midnight


def last_day(letter: Letter) -> date | None:
    """Returns the last day on which people can sign, in the time zone of the letter. Midnight ends the day before."""
    return (_in_zone(letter, letter.closes_at) - INSTANT).date() if letter.closes_at else None


def closing_time(letter: Letter) -> str:
    """Returns until when people can sign, in the active language: the hour only if it is not the end of a day."""
    if not letter.closes_at:
        return ""
    closes_at = _in_zone(letter, letter.closes_at)
    last = closes_at - INSTANT
    is_whole_day = (closes_at + END_OF_DAY).date() > last.date()
    when = (last, "DATE_FORMAT") if is_whole_day else (closes_at, "DATETIME_FORMAT")
    return _("%(when)s, %(zone)s") % {"when": formats.date_format(*when), "zone": zone_name(letter.time_zone)}


def _in_zone(letter: Letter, moment: datetime) -> datetime:
    return moment.astimezone(ZoneInfo(letter.time_zone))


def zone_name(zone: str) -> str:
    """Returns the name of a time zone in the active language, by its city: "New York Time"; or "UTC"."""
    return _zone_name(zone, get_language() or "en")


@lru_cache(maxsize=256)
def _zone_name(zone: str, language: str) -> str:
    locale = Locale.parse(language, sep="-")
    city = get_timezone_location(zone, locale=locale, return_city=True).rpartition("/")[2]
    return city if city == "UTC" else str(locale.zone_formats["region"] % city)
