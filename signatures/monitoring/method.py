"""The statement of method: how the signatures of a letter, or of a delivery, came about. Numbers, for statisticians.

Small numbers in a breakdown could tell on a person, so they are hidden: see `hide_small`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import Case, Count, F, Func, QuerySet, Sum, Value, When
from django.db.models.functions import Abs, TruncWeek

from campaign.runtime.sql_files import load_sql
from signatures import counts
from signatures.models import CountDelta, Delivery, DeliveryEntry, HourlyStatistic, Signature
from signatures.registries import AuditAction
from signatures.states import State, Visibility

NOT_PUBLIC = "not public"  # in place of the country of whoever is not on the public list
_DECISIONS = load_sql(__file__, "method_decisions.sql")
SMALL = 5  # a smaller number in a breakdown is hidden

EVENTS = {event.value: str(event.label) for event in HourlyStatistic.Event}
STATES = {state.value: state.value for state in State if state != State.WITHDRAWN}  # the withdrawn have no words
DELIVERED = {"delivered": "delivered"}
PAPER = {True: "on paper"}  # without the others: in each country both would make what the states make
DECISIONS = {
    AuditAction.APPROVE: "approved by a person",
    AuditAction.REJECT: "rejected by a person",
    AuditAction.INVALIDATE: "invalidated by a bulk rule",
    AuditAction.HOLD: "put aside by a person",
    AuditAction.ASK: "questions to signers",
    AuditAction.ANSWER: "questions answered by the signer",
    AuditAction.UNDO: "decisions undone",
    AuditAction.FLAG: "flagged afterwards, as part of a flood",
    AuditAction.IMPORT: "imported from paper",
    AuditAction.UNDO_IMPORT: "imported from paper, and taken back",
    AuditAction.CONFIRM_ON_EVIDENCE: "confirmed by a person, on evidence",
    AuditAction.CORRECT: "corrected on request of the signer",
    AuditAction.UNDO_CORRECTION: "corrections taken back by the signer",
    AuditAction.HIDE: "taken off the public list on request",
    AuditAction.SHOW: "put back on the public list on request",
    AuditAction.CHANGE: "changed by the signer",
    AuditAction.WITHDRAW: "withdrawn by the signer",
    AuditAction.WITHDRAW_ON_REQUEST: "withdrawn by a person, on request",
    AuditAction.ERASE: "erased by the signer",
    AuditAction.ERASE_ON_REQUEST: "erased by a person, on request",
    AuditAction.NOT_ME: "denied by the owner of the mailbox",
}
BY_RULE = {AuditAction.APPROVE: "approved by the rule of the letter, afterwards"}  # without a person
# What is done to a signature, and is no decision here: confirmations are among the totals, reports are recorded up to
# a limit, and the others change neither a state nor a number.
LEFT_OUT = {
    AuditAction.CONFIRM, AuditAction.REPORT, AuditAction.DISMISS_REPORT, AuditAction.FEATURE, AuditAction.UNFEATURE,
    AuditAction.MOVE_FEATURED, AuditAction.REQUEST, AuditAction.REQUEST_DECLINED, AuditAction.RESEND_LINK,
    AuditAction.END_UPDATES,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decided:
    """How often something was decided, by a person of staff or not, in one week, for one language and country."""

    action: AuditAction
    is_person: bool
    week: str
    language: str
    country: str
    number: int

    @property
    def label(self) -> str:
        return DECISIONS[self.action] if self.is_person else BY_RULE.get(self.action, DECISIONS[self.action])


@dataclass(frozen=True, slots=True)
class Table:
    """A breakdown: for each row its label and a number for each column. None is a number that is hidden."""

    name: str
    columns: list[str]
    rows: list[tuple[str, list[int | None]]]


@dataclass(frozen=True, slots=True)
class Statement:
    until: datetime  # what was recorded later is not in it
    totals: list[tuple[str, int]]
    decisions: list[tuple[str, int]]
    tables: list[Table]

    def cells(self) -> Iterator[tuple[str, str, str, int | str]]:
        """Yields table, row, column and number of every cell, as the CSV has them. A hidden number is empty."""
        for name, lines in (("total", self.totals), ("decision", self.decisions)):
            yield from ((name, label, "", number) for label, number in lines)
        for table in self.tables:
            for label, numbers in table.rows:
                for column, number in zip(table.columns, numbers, strict=True):
                    yield table.name, label, column, "" if number is None else number


def of_letter(letter_id: int, now: datetime) -> Statement:
    """Returns the statement of a letter at this moment, read in six statements."""
    rows = Signature.objects.filter(letter=letter_id).order_by()
    events = _events(letter_id, now)
    found = counts.for_letter(letter_id)
    totals = [
        *((label, sum(events[event, "week"].values())) for event, label in EVENTS.items()),
        ("public count now", found.total),
        *((f"{state.value} now", found.in_state(state)) for state in State),
        ("flagged and waiting now", found.in_state(State.WAITING, flagged=True)),
        ("on paper", rows.filter(paper=True).count()),
    ]
    kept = rows.exclude(state=State.WITHDRAWN)
    decided = _decided(letter_id, now)
    by_country = list(_with_place(kept).values_list("public_country", "state", "paper").annotate(Count("pk")))
    by_flag = [
        (flag, state, f"{week:%G-W%V}", language, number)
        for flag, state, week, language, number in _with_flag(kept)
        .annotate(week=TruncWeek("signed_up_at", tzinfo=UTC))
        .values_list("flag", "state", "week", "language")
        .annotate(Count("pk"))
    ]
    flags_by_state = _table(
        "flag", STATES, ((flag, state, number) for flag, state, _week, _language, number in by_flag)
    )
    # Weeks and languages add up to the whole of a flag, which would give a hidden number of the flag away.
    flagged = {flag: flag for flag, row in flags_by_state.rows if None not in row}
    return Statement(
        now,
        totals,
        _total_decisions(decided),
        [
            *_event_tables(events),
            _table("country", STATES, ((country, state, number) for country, state, _paper, number in by_country)),
            _table("country, on paper", PAPER, ((country, paper, number) for country, _, paper, number in by_country)),
            flags_by_state,
            _table("week, flags", flagged, ((week, flag, number) for flag, _state, week, _language, number in by_flag)),
            _table("language, flags", flagged, ((code, flag, number) for flag, _state, _week, code, number in by_flag)),
            *_decision_tables(decided),
        ],
    )


def of_delivery(delivery: Delivery) -> Statement:
    """Returns the statement of a delivery, up to the moment when it was frozen, read in six statements.

    Flags are those that its signatures have now: those that a decision removes are gone. Countries are those of names
    that are still public.
    """
    until = delivery.frozen_at
    rows = DeliveryEntry.objects.filter(delivery=delivery).order_by()
    events = _events(delivery.letter_id, until)
    names = ("delivered", "named", "counted_only", "organizations", "paper", "waiting", "rejected", "withdrawn")
    totals = [
        *((f"{label} before", sum(events[event, "week"].values())) for event, label in EVENTS.items()),
        *((name.replace("_", " "), int(delivery.counts[name])) for name in names),
    ]
    delivered = Signature.objects.filter(pk__in=rows.values("signature_id")).order_by()
    public = delivered.to_be_public().values_list("country").annotate(Count("pk"))
    by_country = [(country, "delivered", number) for country, number in public]
    by_country.append((NOT_PUBLIC, "delivered", delivery.counts["delivered"] - sum(row[2] for row in by_country)))
    by_language = [(value, "delivered", number) for value, number in rows.values_list("language").annotate(Count("pk"))]
    by_flag = [(flag, "delivered", number) for flag, number in flags(delivered)]
    decided = _decided(delivery.letter_id, until)
    return Statement(
        until,
        totals,
        _total_decisions(decided),
        [
            *_event_tables(events),
            _table("language delivered", DELIVERED, by_language),
            _table("country", DELIVERED, by_country),
            _table("flag", DELIVERED, by_flag),
            *_decision_tables(decided),
        ],
    )


def _events(letter_id: int, until: datetime) -> dict[tuple[str, str], Counter[str]]:
    """Returns how often each event happened, by the event and "week" or "language", to the end of this hour."""
    found: dict[tuple[str, str], Counter[str]] = {
        (event, by): Counter() for event in EVENTS for by in ("week", "language")
    }
    stored: list[tuple[QuerySet[Any], Any]] = [
        (HourlyStatistic.objects.all(), F("number")),
        (CountDelta.objects.all(), Abs("number")),
    ]
    for each, number in stored:
        rows = each.filter(letter=letter_id, hour__lte=until, event__in=EVENTS).order_by()
        weeks = rows.annotate(week=TruncWeek("hour", tzinfo=UTC)).values_list("event", "week", "language")
        for event, week, language, total in weeks.annotate(total=Sum(number)):
            found[event, "week"][f"{week:%G-W%V}"] += int(total)
            found[event, "language"][language] += int(total)
    return found


def _event_tables(events: Mapping[tuple[str, str], Counter[str]]) -> Iterator[Table]:
    for by in ("week", "language"):
        cells = [(label, event, number) for event in EVENTS for label, number in events[event, by].items()]
        yield _table(by, EVENTS, cells)


def _decided(letter_id: int, until: datetime) -> list[Decided]:
    """Returns how often what was decided. A signature that is decided twice is counted twice."""
    values: dict[str, Any] = {
        "letter_id": letter_id,
        "until": until,
        "actions": list(DECISIONS),
        "not_public": NOT_PUBLIC,
    }
    with connection.cursor() as cursor:
        cursor.execute(_DECISIONS, values)
        return [
            Decided(AuditAction(code), is_person, f"{week:%G-W%V}", language or "", country, number)
            for code, is_person, week, language, country, number in cursor.fetchall()
        ]


def _total_decisions(decided: Sequence[Decided]) -> list[tuple[str, int]]:
    found: Counter[str] = Counter()
    for each in decided:
        found[each.label] += each.number
    return [(label, found[label]) for label in (*DECISIONS.values(), *BY_RULE.values())]


def _decision_tables(decided: Sequence[Decided]) -> Iterator[Table]:
    """Yields what was decided by week, language and country, with a column for each decision that there was."""
    columns = {label: label for label, number in _total_decisions(decided) if number}
    yield _table("week, decisions", columns, ((each.week, each.label, each.number) for each in decided))
    yield _table("language, decisions", columns, ((each.language, each.label, each.number) for each in decided))
    yield _table("country, decisions", columns, ((each.country, each.label, each.number) for each in decided))


def decisions(letter_id: int, until: datetime) -> Iterator[tuple[AuditAction, bool, int]]:
    """Yields action, whether a person of staff did it, and how often, for each of `DECISIONS` up to this moment."""
    found: Counter[tuple[AuditAction, bool]] = Counter()
    for each in _decided(letter_id, until):
        found[each.action, each.is_person] += each.number
    yield from ((action, is_person, number) for (action, is_person), number in found.items())


def _with_place(rows: QuerySet[Signature]) -> Any:
    """Returns the rows with the country of those that are public alone.

    The public list tells how many of its names are from a country: whoever chose not to be on it could be found by
    subtraction (threat model P4).
    """
    is_public = When(visibility=Visibility.PUBLIC, then=F("country"))
    return rows.annotate(public_country=Case(is_public, default=Value(NOT_PUBLIC)))


def flags(rows: QuerySet[Signature]) -> Iterator[tuple[str, int]]:
    """Yields each flag that any of these signatures has, and how many have it."""
    yield from _with_flag(rows).values_list("flag").annotate(Count("pk"))


def _with_flag(rows: QuerySet[Signature]) -> Any:
    """Returns a row for each flag of a signature."""
    return rows.annotate(flag=Func(F("flags"), function="unnest"))


def _table(name: str, columns: Mapping[Any, str], cells: Any) -> Table:
    """Returns the breakdown of these cells (label of the row, column, number), with small numbers hidden."""
    numbers: dict[str, Counter[str]] = {}
    for label, column, number in cells:
        if column in columns:
            numbers.setdefault(label, Counter())[column] += number
    labels = sorted(numbers)
    shown = [hide_small([numbers[label][column] for label in labels]) for column in columns]
    rows = [(label or "not given", list(row)) for label, row in zip(labels, zip(*shown, strict=True), strict=True)]
    return Table(name, list(columns.values()), rows)


def hide_small(numbers: Sequence[int]) -> list[int | None]:
    """Returns the numbers of a column with None for those that could tell on a person.

    Hidden is each number from 1 to `SMALL` - 1. The total of a column is known, so the next smallest are hidden, too,
    until what is hidden are several numbers that make at least `SMALL` together; where they do not, the zeros as well.
    The number of a column with one row is its total, which stands elsewhere.
    """
    hidden = {place for place, number in enumerate(numbers) if 0 < number < SMALL}
    others = sorted((number, place) for place, number in enumerate(numbers) if number >= SMALL)
    while hidden and others and (len(hidden) < 2 or sum(numbers[place] for place in hidden) < SMALL):
        hidden.add(others.pop(0)[1])
    if 0 < sum(numbers) < SMALL:
        return [None] * len(numbers)
    return [None if place in hidden else number for place, number in enumerate(numbers)]
