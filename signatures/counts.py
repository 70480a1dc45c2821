"""Signature counts. Every count on the site is a sum over the cells of the count deltas, defined here alone.

There are true counts (`for_letter`, `by_country`) for staff, checks and deliveries, and published ones for the public
pages. The published ones are the true ones of the last step of time (threat model S38).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from django.db import connection, transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone

from campaign.runtime import replica
from campaign.runtime.locks import AdvisoryLock, transaction_lock
from campaign.runtime.sql_files import load_sql
from signatures import count_steps
from signatures.models import CountDelta, HourlyStatistic, Signature
from signatures.states import Kind, State, Visibility

_CELL = ("state", "visibility", "flagged", "kind")
_FOLD = load_sql(__file__, "fold_count_deltas.sql")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many signatures of one letter are in each cell (state, visibility, flagged, kind)."""

    cells: dict[tuple[str, str, bool, str], int]

    def in_state(
        self,
        *states: State,
        visibilities: tuple[Visibility, ...] = tuple(Visibility),
        flagged: bool | None = None,
        kinds: tuple[Kind, ...] = tuple(Kind),
    ) -> int:
        return sum(
            number
            for (state, visibility, is_flagged, kind), number in self.cells.items()
            if state in states and visibility in visibilities and flagged in (None, is_flagged) and kind in kinds
        )

    @property
    def total(self) -> int:
        """The public count: approved, or waiting without a flag; any visibility."""
        return self.in_state(State.APPROVED) + self.in_state(State.WAITING, flagged=False)

    @property
    def organizations(self) -> int:
        """Of the public count, the organizations. What is counted without its name is among the people."""
        named, of_kind = (Visibility.PUBLIC, Visibility.DELIVERY), (Kind.ORGANIZATION,)
        approved = self.in_state(State.APPROVED, visibilities=named, kinds=of_kind)
        return approved + self.in_state(State.WAITING, visibilities=named, kinds=of_kind, flagged=False)

    @property
    def people(self) -> int:
        return self.total - self.organizations

    @property
    def public(self) -> int:
        """The number of names that the website shows."""
        return self.in_state(State.APPROVED, visibilities=(Visibility.PUBLIC,))

    @property
    def named(self) -> int:
        """The number of names in the delivered letter."""
        return self.in_state(State.APPROVED, visibilities=(Visibility.PUBLIC, Visibility.DELIVERY))

    @property
    def counted_only(self) -> int:
        """The number of signatures that are delivered as a number only."""
        return self.in_state(State.APPROVED, visibilities=(Visibility.COUNTED,))

    @property
    def delivered(self) -> int:
        return self.named + self.counted_only


def for_letter(letter_id: int | None) -> Counts:
    """Returns the true counts of a letter (of all letters, when None), in one statement."""
    return _sum(CountDelta.objects.all() if letter_id is None else CountDelta.objects.filter(letter_id=letter_id))


def published(letter_id: int) -> Counts:
    """Returns the counts of a letter that public pages show, in one statement."""
    return published_of([letter_id])[letter_id]


def published_of(letter_ids: Collection[int]) -> dict[int, Counts]:
    """Returns the counts of these letters that public pages show, by the id of the letter, in one statement."""
    rows = _in_cells(_published(letter_ids)).values_list("letter_id", *_CELL).annotate(Sum("number"))
    cells: dict[int, dict[tuple[str, str, bool, str], int]] = {number: {} for number in letter_ids}
    for letter_id, *cell, number in rows.exclude(number__sum=0):
        state, visibility, flagged, kind = cell
        cells[letter_id][state, visibility, flagged, kind] = number
    return {letter_id: Counts(found) for letter_id, found in cells.items()}


def by_country(letter_id: int) -> dict[str, int]:
    """Returns the true number of public names of each country; "" is for none. Counts no others (P4)."""
    return _sum_by_country(CountDelta.objects.filter(letter_id=letter_id))


def published_by_country(letter_id: int) -> dict[str, int]:
    """Returns the numbers of public names of each country that the website shows."""
    return _sum_by_country(_published([letter_id]))


def awaits_next_step(signature: Signature) -> bool:
    """Whether the public pages have this signature from the next step on: the count of it, or the name."""
    is_counted = signature.state == State.APPROVED or (signature.state == State.WAITING and not signature.flags)
    is_shown = signature.state == State.APPROVED and signature.visibility == Visibility.PUBLIC
    since = signature.public_from if is_shown else signature.confirmed_at
    return is_counted and since is not None and since > count_steps.last_step()


def review_days(letter_id: int, waiting: int) -> int:
    """Returns in how many days staff decide on so many signatures at last week's pace; 0 if they decided on none."""
    decisions = HourlyStatistic.objects.filter(
        letter_id=letter_id,
        hour__gte=timezone.now() - timedelta(days=7),
        event__in=[HourlyStatistic.Event.APPROVE, HourlyStatistic.Event.REJECT],
    )
    decided = decisions.aggregate(Sum("number", default=0))["number__sum"]
    return ceil(7 * waiting / decided) if decided else 0


def _published(letter_ids: Collection[int]) -> QuerySet[CountDelta]:
    deltas = CountDelta.objects.using(replica.alias())
    return deltas.filter(count_steps.is_reached("counts_from"), letter_id__in=letter_ids)


def _in_cells(deltas: QuerySet[CountDelta]) -> QuerySet[CountDelta]:
    return deltas.exclude(state="")  # of submissions, which are events alone


def _sum(deltas: QuerySet[CountDelta]) -> Counts:
    rows = _in_cells(deltas).values_list(*_CELL).annotate(Sum("number"))
    return Counts({(state, visibility, flagged, kind): n for state, visibility, flagged, kind, n in rows if n})


def _sum_by_country(deltas: QuerySet[CountDelta]) -> dict[str, int]:
    public = deltas.filter(state=State.APPROVED, visibility=Visibility.PUBLIC)
    return {country: number for country, number in public.values_list("country").annotate(Sum("number")) if number}


def fold_deltas() -> int:
    """Replaces the count deltas by one for each cell, and adds their events to the statistics.

    Those that are not public yet become one for each cell and minute.

    Returns by how many rows the table shrank: 0 also while another worker folds.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if not transaction_lock(AdvisoryLock.FOLD_COUNT_DELTAS, wait=False):
            return 0
        cursor.execute(_FOLD, {"step": count_steps.last_step()})
        return int(cursor.fetchone()[0])
