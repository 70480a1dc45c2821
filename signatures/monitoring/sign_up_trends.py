"""Unusual sign-ups: a rise against the last days, and a domain or a network with an unusual share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db import connection

from campaign.runtime.sql_files import load_sql
from signatures import counts
from signatures.models import HourlyStatistic
from signatures.registries import AlarmCode

MIN_SIGN_UPS = 200  # with fewer sign-ups a share means nothing
RISE_FACTOR, RISE_MARGIN = 4, 10  # an alarm at 4 times an ordinary hour; the margin is for quiet nights
COMPARED_DAYS = 7
RECENT = timedelta(hours=3)
SAMPLE = 20_000  # earlier sign-ups that are enough to know a share
MIN_RECENT, MIN_SHARE = 50, 0.05  # recent sign-ups, and their share of all recent ones
SHARE_FACTOR = 10  # an alarm at 10 times the share of before

_SHARES = load_sql(__file__, "sign_up_shares.sql")


@dataclass(frozen=True, slots=True)
class Share:
    """How many sign-ups have a value in common."""

    number: int  # recent sign-ups with this value
    of: int  # all recent sign-ups
    before: int  # earlier sign-ups with this value
    of_before: int  # all earlier sign-ups
    most_before: int  # earlier sign-ups with the most frequent value

    def stands_out(self, share_before: float) -> bool:
        share = self.number / self.of
        return self.of_before >= MIN_SIGN_UPS and share >= max(MIN_SHARE, SHARE_FACTOR * share_before)


def rise(now: datetime) -> Iterator[tuple[AlarmCode, str]]:
    """Yields an alarm if this hour, or the one before, has many more sign-ups than this time of the last days."""
    counts.fold_deltas()  # what is not folded yet is the newest
    hour = now.replace(minute=0, second=0, microsecond=0)
    rows = HourlyStatistic.objects.filter(
        event=HourlyStatistic.Event.SIGN_UP, hour__gt=hour - timedelta(days=COMPARED_DAYS + 1)
    )
    by_hour: dict[datetime, int] = {}
    for at, number in rows.values_list("hour", "number"):
        by_hour[at] = by_hour.get(at, 0) + number
    for at in (hour, hour - timedelta(hours=1)):
        ordinary = _ordinary(by_hour, at)
        if ordinary is None:
            continue
        if by_hour.get(at, 0) >= max(MIN_SIGN_UPS, RISE_FACTOR * (ordinary + RISE_MARGIN)):
            words = f"{by_hour[at]} sign-ups in an hour; at this time of the last days it was {ordinary:.0f}."
            yield AlarmCode.RISE, words
            return


def _ordinary(by_hour: dict[datetime, int], at: datetime) -> float | None:
    """Returns the ordinary number of sign-ups at this time of day.

    That is the median over the last days, each with the busiest of three hours. Returns None if there are fewer than
    two days to compare with: on its first day every letter rises.
    """
    first = min(by_hour, default=at)
    days = [at - timedelta(days=back) for back in range(1, COMPARED_DAYS + 1)]
    known = [day for day in days if day - timedelta(hours=1) >= first]
    around = (timedelta(hours=-1), timedelta(0), timedelta(hours=1))
    if len(known) < 2:
        return None
    return float(median(max(by_hour.get(day + step, 0) for step in around) for day in known))


def domain_and_network(now: datetime) -> Iterator[tuple[AlarmCode, str]]:
    """Yields an alarm for an email domain, and one for a network, that makes an unusual share of recent sign-ups."""
    for share in _shares("domains", "unnest(value)", "'{}'", now):
        # A big provider had as large a share before; a new domain had none.
        if share.stands_out((share.before + 1) / (share.of_before + 1)):
            words = f"One email domain made {share.number} of the last {share.of} sign-ups, and hardly any before."
            yield AlarmCode.DOMAIN_TREND, words
            break
    for share in _shares("network", "value", "''", now):
        # The digests of networks change every midnight, so the share is compared with the busiest network of before.
        if share.stands_out(share.most_before / max(1, share.of_before)):
            words = f"One network made {share.number} of the last {share.of} sign-ups; ordinarily none stands out."
            yield AlarmCode.NETWORK_TREND, words
            break


def _shares(column: str, each: str, empty: str, now: datetime) -> Sequence[Share]:
    values: dict[str, Any] = {
        "since": now - RECENT,
        "from": now - timedelta(days=COMPARED_DAYS),
        "sample": SAMPLE,
        "min_number": MIN_RECENT,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SHARES.format(column=column, each=each, empty=empty), values)
        return [Share(*row) for row in cursor.fetchall()]
