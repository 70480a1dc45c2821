"""The statement of method: how a number came about, for a statistician, and nothing that tells on a person."""

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from campaign.models import Letter
from signatures import counts
from signatures.moderation import decisions, requests
from signatures.monitoring import method
from signatures.monitoring.country_events import NOT_PUBLIC
from signatures.monitoring.small_numbers import SMALL, hide_small
from signatures.registries import AuditAction
from signatures.registries.audit_actions import LEAVING_ACTIONS
from signatures.registries.requests import Channel, RequestKind
from signatures.signing import withdrawal
from signatures.states import ALLOWED_FROM, State, Visibility
from tests import single_decisions
from tests.conftest import member_of
from tests.delivery.factories import make_delivery
from tests.factories import make_many, make_signature


def numbers(lines: list[tuple[str, int]]) -> dict[str, int]:
    return {label: number for label, number in lines if number}


def table(statement: method.Statement, name: str) -> dict[str, dict[str, int | None]]:
    found = next(each for each in statement.tables if each.name == name)
    return {label: dict(zip(found.columns, row, strict=True)) for label, row in found.rows}


@pytest.fixture
def signed(letter: Letter, moderator: User) -> Letter:
    """Twelve from France wait, with a flag; two are approved and one rejected by a person, one withdraws."""
    rows = make_many(letter, 12, state=State.WAITING, country="FR", flags=["link"])
    for row in rows[:2]:
        single_decisions.approve(row, by=moderator.pk)
    single_decisions.reject(rows[2], by=moderator.pk, reason="spam")
    withdrawal.withdraw(rows[3])
    make_many(letter, 6, country="KR", paper=True)
    make_signature(letter, "Lone Voice", country="FO")
    return letter


@pytest.mark.django_db
def test_a_letter_has_totals_decisions_and_breakdowns(signed: Letter) -> None:
    for folded in (False, True):
        if folded:
            counts.fold_deltas()
        statement = method.of_letter(signed.pk, timezone.now())

        totals = numbers(statement.totals)
        assert totals["public count now"] == 9 and totals["flagged and waiting now"] == 8
        assert totals["on paper"] == 6 and totals["withdrawals"] == totals["withdrawn now"] == 1
        assert numbers(statement.decisions) == {
            "approved by a person": 2,
            "rejected by a person": 1,
            "withdrawn by the signer": 1,
        }
        week = f"{timezone.now():%G-W%V}"
        assert table(statement, "week")[week]["confirmations"] == totals["confirmations"]
        assert table(statement, "language")["en"]["confirmations"] == totals["confirmations"]


@pytest.mark.django_db
def test_flags_and_decisions_stand_by_week_language_and_country(signed: Letter) -> None:
    waiting = signed.signatures.filter(state=State.WAITING)
    decisions.decide(AuditAction.APPROVE, waiting, by=None, reason="rule of the letter")
    for number, flag in ((6, "rate"), (7, "fast")):
        make_many(signed, number, state=State.REJECTED, country="FR", flags=[flag])
    statement = method.of_letter(signed.pk, timezone.now())
    week = f"{timezone.now():%G-W%V}"
    for name in ("week, flags", "language, flags", "country, flags"):
        assert [*table(statement, name).values()] == [{"fast": 7}], "the sum would tell a state of the others"
    by_rule = "approved by the rule of the letter, afterwards"
    for name, row in (("week", week), ("language", "en"), ("country", "FR")):
        found = table(statement, f"{name}, decisions")[row]
        assert found[by_rule] == 8 and found["approved by a person"] is None, "two are hidden"
    assert table(statement, "country, on paper")["KR"]["on paper"] == 6


@pytest.mark.django_db
def test_P4_decisions_about_whoever_is_not_public_have_no_country(signed: Letter) -> None:
    hidden = make_many(signed, 7, state=State.WAITING, country="IS", visibility=Visibility.DELIVERY)
    rows = signed.signatures.filter(pk__in=[row.pk for row in hidden])
    decisions.decide(AuditAction.APPROVE, rows, by=None, reason="rule of the letter")
    found = table(method.of_letter(signed.pk, timezone.now()), "country, decisions")
    assert "IS" not in found and found[NOT_PUBLIC]["approved by the rule of the letter, afterwards"] == 7


@pytest.mark.django_db
def test_what_a_rule_decided_stands_apart(signed: Letter) -> None:
    waiting = signed.signatures.filter(state=State.WAITING)
    decisions.decide(AuditAction.APPROVE, waiting, by=None, reason="rule of the letter")
    found = numbers(method.of_letter(signed.pk, timezone.now()).decisions)
    assert found["approved by the rule of the letter, afterwards"] == 8 and found["approved by a person"] == 2


def test_each_action_on_a_signature_has_a_row_or_is_left_out_by_name() -> None:
    on_a_signature = {action for action in AuditAction if action.words_for_others}
    assert on_a_signature >= {*ALLOWED_FROM, *LEAVING_ACTIONS}, "what changes a state is done to a signature"
    rows = {*method.DECISIONS}
    assert rows | method.LEFT_OUT == on_a_signature and not rows & method.LEFT_OUT


@pytest.mark.django_db
def test_what_staff_did_on_request_is_in_the_statement(signed: Letter, owner: User) -> None:
    rows = list(signed.signatures.filter(state=State.APPROVED, paper=False)[:2])
    for row, action in zip(rows, (RequestKind.WITHDRAW, RequestKind.ERASE), strict=True):
        requests.ask(row, action, by=owner.pk, reason="proved", channel=Channel.POST)
    assert {"withdrawn by a person, on request": 1, "erased by a person, on request": 1}.items() <= numbers(
        method.of_letter(signed.pk, timezone.now()).decisions
    ).items()


@pytest.mark.django_db
def test_P4_a_number_that_tells_on_a_person_is_hidden_with_one_that_would_give_it_away(signed: Letter) -> None:
    by_country = table(method.of_letter(signed.pk, timezone.now()), "country")
    assert [by_country[code]["approved"] for code in ("FO", "FR", "KR")] == [None, None, None]
    assert by_country["FR"]["waiting"] == 8 and by_country["KR"]["waiting"] == 0


@pytest.mark.django_db
def test_P4_the_country_of_whoever_is_not_on_the_public_list_is_not_counted(signed: Letter) -> None:
    make_many(signed, 7, country="KR", visibility=Visibility.DELIVERY)
    for statement, column in (
        (method.of_letter(signed.pk, timezone.now()), "approved"),
        (method.of_delivery(make_delivery(signed)), "delivered"),
    ):
        found = table(statement, "country")
        assert found[NOT_PUBLIC][column] == 7 and found["KR"][column] in {None, 6}


@given(st.lists(st.integers(0, 40), max_size=12))
def test_P4_what_is_hidden_cannot_be_found_by_subtraction(column: list[int]) -> None:
    shown = hide_small(column)

    hidden = [number for number, cell in zip(column, shown, strict=True) if cell is None]
    assert all(cell == number for number, cell in zip(column, shown, strict=True) if cell is not None)
    assert not any(cell is not None and 0 < cell < SMALL for cell in shown)
    if hidden and len(hidden) < len(column):
        assert len(hidden) > 1 and sum(hidden) >= SMALL, "else the exact total gives it away"
    if not any(0 < number < SMALL for number in column):
        assert hidden == []


@pytest.mark.django_db
def test_a_delivery_has_those_that_it_holds_and_stays_as_it_was(signed: Letter, moderator: User) -> None:
    delivery = make_delivery(signed)
    before = method.of_delivery(delivery)
    make_many(signed, 9, country="FR")
    after = method.of_delivery(delivery)

    assert numbers(before.totals)["delivered"] == numbers(after.totals)["delivered"] == 9
    assert numbers(before.totals)["paper"] == 6
    assert table(before, "country") == table(after, "country")
    assert table(before, "language delivered") == {"en": {"delivered": 9}}
    assert numbers(before.decisions) == numbers(after.decisions)


@pytest.mark.django_db
def test_the_page_and_the_csv_have_the_same_numbers_and_no_word_of_a_signer(signed: Letter, officer: User) -> None:
    client = Client()
    client.force_login(officer)
    address = f"/admin/signatures/signedletter/{signed.pk}/method/"
    page = client.get(address).content.decode()
    answer = client.get(f"{address}?as=csv")

    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert answer["Content-Disposition"] == 'attachment; filename="bridge-method.csv"'
    assert {"table": "total", "row": "on paper", "column": "", "number": "6"} in rows
    assert {"table": "country", "row": "FO", "column": "approved", "number": ""} in rows
    assert "By country" in page and "<dt>on paper</dt><dd>6</dd>" in page
    assert "Lone" not in page and "Lone" not in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["moderator", "editor"])
def test_A5_it_is_for_delivery_officers_and_owners(signed: Letter, who: str) -> None:
    person = User.objects.filter(groups__name=who).first() or member_of(who)
    client = Client()
    client.force_login(person)
    assert client.get(f"/admin/signatures/signedletter/{signed.pk}/method/").status_code == 403


@pytest.mark.django_db
def test_the_number_of_statements_does_not_grow(signed: Letter) -> None:
    def used(work: Any) -> int:
        with CaptureQueriesContext(connection) as statements:
            work()
        return len(statements)

    delivery = make_delivery(signed)
    assert used(lambda: method.of_letter(signed.pk, timezone.now())) <= 7
    assert used(lambda: method.of_delivery(delivery)) <= 7
