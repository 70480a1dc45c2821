"""Sign-ups, confirmations and withdrawals by country, for the statement of method: numbers without a time."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.db.models.functions import Abs

from signatures.models import CountDelta, CountryStatistic
from signatures.monitoring.small_numbers import Table, table_without_small_rows

NOT_PUBLIC = "not public"  # in place of the country of whoever is not on the public list
NOT_COUNTED = "?"  # the country of what happened before they were counted
_LABELS = {CountryStatistic.NOT_PUBLIC: NOT_PUBLIC, NOT_COUNTED: "not counted by country"}
_COLUMNS = {event.value: str(event.label) for event in CountryStatistic.EVENTS}

type ByCountry = Mapping[str, Mapping[str, int]]  # by the event, then by the country; "" is for none given


def of_letter(letter_id: int, totals: Mapping[str, int]) -> ByCountry:
    """Returns how often each event happened until now, by its country, read in one statement.

    Args:
        letter_id: of the letter.
        totals: how often each event happened in all.
    """
    folded = CountryStatistic.objects.filter(letter=letter_id).order_by()
    fresh = CountDelta.objects.filter(letter=letter_id, event_country__isnull=False).order_by()
    rows: Any = folded.values_list("event", "country", "number").union(
        fresh.annotate(times=Abs("number")).values_list("event", "event_country", "times"), all=True
    )
    found: dict[str, Counter[str]] = {event: Counter() for event in _COLUMNS}
    for event, country, number in rows:
        found[event][country] += int(number)
    for event, by_country in found.items():
        if (missing := totals[event] - by_country.total()) > 0:
            by_country[NOT_COUNTED] = missing
    return found


def table(by_country: ByCountry, *others: Table) -> Table:
    """Returns the breakdown by country; `others` are tables by country that take its numbers apart."""
    cells = (
        (_LABELS.get(country, country), event, number)
        for event, numbers in by_country.items()
        for country, number in numbers.items()
    )
    hidden = set[str]().union(*(each.hidden_rows() for each in others))
    return table_without_small_rows("country, sign-ups", _COLUMNS, cells, hidden)
