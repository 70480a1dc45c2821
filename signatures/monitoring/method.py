"""The statement of method: how the signatures of a letter, or of a delivery, came about. Numbers, for statisticians.

Small numbers in a breakdown could tell on a person, so they are hidden: see `small_numbers`.
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
from signatures.monitoring import country_events
from signatures.monitoring.country_events import NOT_PUBLIC
from signatures.monitoring.small_numbers import Table, table
from signatures.registries import AuditAction
from signatures.states import State, Visibility

_DECISIONS = load_sql(__file__, "method_decisions.sql")

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
    AuditAction.UNDO_ASK: "questions taken back",
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
    AuditAction.ERASE_AGAIN: "erased again, after a backup had brought them back",
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
class Statement:
    until: datetime  # what was recorded later is not in it
    totals: list[tuple[str, int]]
    decisions: list[tuple[str, int]]
    tables: list[Table]

    def cells(self) -> Iterator[tuple[str, str, str, int | str]]:
        """Yields table, row, column and number of every cell, as the CSV has them. A hidden number is empty."""
        for name, lines in (("total", self.totals), ("decision", self.decisions)):
            yield from ((name, label, "", number) for label, number in lines)
        for each in self.tables:
            for label, numbers in each.rows:
                for column, number in zip(each.columns, numbers, strict=True):
                    yield each.name, label, column, "" if number is None else number


def of_letter(letter_id: int, now: datetime) -> Statement:
    """Returns the statement of a letter at this moment, read in six statements."""
    rows = Signature.objects.filter(letter=letter_id).order_by()
    events = _events(letter_id, now)
    found = counts.for_letter(letter_id)
    totals = [
        *((EVENTS[event], number) for event, number in _times(events).items()),
        ("public count now", found.total),
        *((f"{state.value} now", found.in_state(state)) for state in State),
        ("flagged and waiting now", found.in_state(State.WAITING, flagged=True)),
        ("on paper", rows.filter(paper=True).count()),
    ]
    kept = rows.exclude(state=State.WITHDRAWN)
    decided = _decided(letter_id, now)
    by_country = list(_with_place(kept).values_list("public_country", "state", "paper").annotate(Count("pk")))
    by_flag = [
        (flag, state, f"{week:%G-W%V}", language, country, number)
        for flag, state, week, language, country, number in _with_flag(_with_place(kept))
        .annotate(week=TruncWeek("signed_up_at", tzinfo=UTC))
        .values_list("flag", "state", "week", "language", "public_country")
        .annotate(Count("pk"))
    ]
    places = table("country", STATES, ((country, state, number) for country, state, _paper, number in by_country))
    on_paper = table("country, on paper", PAPER, ((country, paper, n) for country, _, paper, n in by_country))
    flags_by_state = table("flag", STATES, ((flag, state, number) for flag, state, *_others, number in by_flag))
    # Weeks, languages and countries add up to the whole of a flag, which would give a hidden number of the flag away.
    flagged = {flag: flag for flag, _row in flags_by_state.rows if flag not in flags_by_state.hidden_rows()}
    return Statement(
        now,
        totals,
        _total_decisions(decided),
        [
            *_event_tables(events),
            country_events.table(country_events.of_letter(letter_id, _times(events)), places, on_paper),
            places,
            on_paper,
            flags_by_state,
            table("week, flags", flagged, ((week, flag, n) for flag, _, week, _, _, n in by_flag)),
            table("language, flags", flagged, ((language, flag, n) for flag, _, _, language, _, n in by_flag)),
            table("country, flags", flagged, ((country, flag, n) for flag, _, _, _, country, n in by_flag)),
            *_decision_tables(decided),
        ],
    )


def of_delivery(delivery: Delivery) -> Statement:
    """Returns the statement of a delivery, up to the moment when it was frozen, read in six statements.

    Flags are those that its signatures have now: those that a decision removes are gone. Countries are those of names
    that are still public. What happened by country is as it was counted then, if it was.
    """
    until = delivery.frozen_at
    rows = DeliveryEntry.objects.filter(delivery=delivery).order_by()
    events = _events(delivery.letter_id, until)
    names = ("delivered", "named", "counted_only", "organizations", "paper", "waiting", "rejected", "withdrawn")
    totals = [
        *((f"{EVENTS[event]} before", number) for event, number in _times(events).items()),
        *((name.replace("_", " "), int(delivery.counts[name])) for name in names),
    ]
    delivered = Signature.objects.filter(pk__in=rows.values("signature_id")).order_by()
    public = delivered.to_be_public().values_list("country").annotate(Count("pk"))
    by_country = [(country, "delivered", number) for country, number in public]
    by_country.append((NOT_PUBLIC, "delivered", delivery.counts["delivered"] - sum(row[2] for row in by_country)))
    by_language = [(value, "delivered", number) for value, number in rows.values_list("language").annotate(Count("pk"))]
    by_flag = [(flag, "delivered", number) for flag, number in flags(delivered)]
    places = table("country", DELIVERED, by_country)
    happened = delivery.method.get("events_by_country")
    decided = _decided(delivery.letter_id, until)
    return Statement(
        until,
        totals,
        _total_decisions(decided),
        [
            *_event_tables(events),
            table("language delivered", DELIVERED, by_language),
            *([country_events.table(happened, places)] if happened else []),
            places,
            table("flag", DELIVERED, by_flag),
            *_decision_tables(decided),
        ],
    )


def _events(letter_id: int, until: datetime) -> dict[tuple[str, str], Counter[str]]:
    """Returns how often each event happened, by the event and "week" or "language", to the end of this hour."""
    found: dict[tuple[str, str], Counter[str]] = {
        (event, by): Counter() for event in EVENTS for by in ("week", "language")
    }
    stored, fresh = (
        each.filter(letter=letter_id, hour__lte=until, event__in=EVENTS)
        .order_by()
        .annotate(week=TruncWeek("hour", tzinfo=UTC))
        .values_list("event", "week", "language")
        .annotate(total=Sum(number))
        for each, number in ((HourlyStatistic.objects.all(), F("number")), (CountDelta.objects.all(), Abs("number")))
    )
    for event, week, language, total in stored.union(fresh, all=True):
        found[event, "week"][f"{week:%G-W%V}"] += int(total)
        found[event, "language"][language] += int(total)
    return found


def _times(events: Mapping[tuple[str, str], Counter[str]]) -> dict[str, int]:
    """Returns how often each event happened."""
    return {event: events[event, "week"].total() for event in EVENTS}


def events_by_country(letter_id: int, now: datetime) -> country_events.ByCountry:
    """Returns how often each event happened until now, by country, for `Delivery.method`."""
    return country_events.of_letter(letter_id, _times(_events(letter_id, now)))


def _event_tables(events: Mapping[tuple[str, str], Counter[str]]) -> Iterator[Table]:
    for by in ("week", "language"):
        cells = [(label, event, number) for event in EVENTS for label, number in events[event, by].items()]
        yield table(by, EVENTS, cells)


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
    yield table("week, decisions", columns, ((each.week, each.label, each.number) for each in decided))
    yield table("language, decisions", columns, ((each.language, each.label, each.number) for each in decided))
    yield table("country, decisions", columns, ((each.country, each.label, each.number) for each in decided))


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
