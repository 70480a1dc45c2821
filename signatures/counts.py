"""How many. Every figure of the site is a sum over the cells of the tally, defined here and nowhere else."""

from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Sum

from campaign.runtime.locks import AdvisoryLock, transaction_lock
from signatures.models import CountDelta
from signatures.states import State, Visibility


@dataclass(frozen=True, slots=True)
class Counts:
    """How many signatures of one letter are in each cell (state, audience, flagged)."""

    cells: dict[tuple[str, str, bool], int]

    def _sum(
        self, *states: State, audiences: tuple[Visibility, ...] = tuple(Visibility), flagged: bool | None = None
    ) -> int:
        return sum(
            number
            for (state, audience, is_flagged), number in self.cells.items()
            if state in states and audience in audiences and flagged in (None, is_flagged)
        )

    @property
    def total(self) -> int:
        """The public count: approved, or waiting without a flag; any audience."""
        return self._sum(State.APPROVED) + self._sum(State.WAITING, flagged=False)

    @property
    def public(self) -> int:
        """How many names the website shows."""
        return self._sum(State.APPROVED, audiences=(Visibility.PUBLIC,))

    @property
    def named(self) -> int:
        """How many names the delivered letter holds."""
        return self._sum(State.APPROVED, audiences=(Visibility.PUBLIC, Visibility.DELIVERY))

    @property
    def counted_only(self) -> int:
        """How many are delivered as a number."""
        return self._sum(State.APPROVED, audiences=(Visibility.COUNTED,))

    @property
    def delivered(self) -> int:
        return self.named + self.counted_only

    def in_state(self, state: State, *, flagged: bool | None = None) -> int:
        return self._sum(state, flagged=flagged)


def for_letter(letter_id: int | None) -> Counts:
    """The counts of a letter (of all letters, when None), in one statement."""
    tally = CountDelta.objects.all() if letter_id is None else CountDelta.objects.filter(letter_id=letter_id)
    rows = tally.values_list("state", "visibility", "flagged").annotate(Sum("number"))
    return Counts({(state, audience, flagged): number for state, audience, flagged, number in rows if number})


def by_country(letter_id: int) -> dict[str, int]:
    """How many names the website shows of each country; of others nothing is told (P4). "" is for none given."""
    public = CountDelta.objects.filter(letter_id=letter_id, state=State.APPROVED, visibility=Visibility.PUBLIC)
    return {country: number for country, number in public.values_list("country").annotate(Sum("number")) if number}


def fold_deltas() -> int:
    """Replace the tally's entries by one for each cell, keeping what they tell as `Activity`; how many entries went."""
    with transaction.atomic(), connection.cursor() as cursor:
        if not transaction_lock(AdvisoryLock.FOLD_COUNT_DELTAS, wait=False):
            return 0
        cursor.execute(
            """
            WITH gone AS (DELETE FROM signatures_countdelta RETURNING *),
            search_text AS (
                INSERT INTO signatures_countdelta (letter_id, state, visibility, flagged, country, number)
                SELECT letter_id, state, visibility, flagged, country, sum(number) FROM gone
                GROUP BY letter_id, state, visibility, flagged, country HAVING sum(number) <> 0
                RETURNING 1
            ),
            told AS (
                INSERT INTO signatures_hourlystatistic (hour, letter_id, language, what, number)
                SELECT hour, letter_id, language, what, sum(abs(number)) FROM gone WHERE what <> '' GROUP BY 1, 2, 3, 4
                ON CONFLICT (hour, letter_id, language, what)
                    DO UPDATE SET number = signatures_hourlystatistic.number + EXCLUDED.number
            )
            SELECT (SELECT count(*) FROM gone) - (SELECT count(*) FROM search_text)
            """
        )
        return int(cursor.fetchone()[0])
