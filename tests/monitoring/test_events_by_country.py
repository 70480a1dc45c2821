"""Sign-ups, confirmations and withdrawals by country: exact, kept for ever, and nothing that tells on a person."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from campaign.models import Letter
from signatures import counts
from signatures.models import CountryStatistic, Signature, Submission
from signatures.monitoring import method
from signatures.monitoring.small_numbers import OTHERS, is_small, table_without_small_rows
from signatures.signing import withdrawal
from signatures.states import State, Visibility
from signatures.values import tokens
from tests.delivery.factories import make_delivery
from tests.factories import make_many

pytestmark = pytest.mark.django_db
SIGN = "/letters/bridge/sign/"


def happened(letter: Letter) -> dict[str, Any]:
    """How often what happened, by event and country, as it is stored; the same before and after folding."""
    found = method.events_by_country(letter.pk, timezone.now())
    counts.fold_deltas()
    assert method.events_by_country(letter.pk, timezone.now()) == found
    return {event: dict(numbers) for event, numbers in found.items() if numbers}


def by_country(statement: method.Statement) -> dict[str, list[int | None]]:
    return dict(next(each.rows for each in statement.tables if each.name == "country, sign-ups"))


def test_a_sign_up_and_its_confirmation_are_counted_under_the_country_that_was_given(
    client: Client, letter: Letter, form: dict[str, str], words: dict[str, str]
) -> None:
    client.post(SIGN, {**form, "country": "IS"})
    link = f"/signature/{tokens.personal_token(Submission.objects.get().public_id)}/"
    client.post(link, {**words, "country": "NO", "action": "confirm"})
    client.post(SIGN, {**form, "country": "", "email": "kim@example.org"})
    assert happened(letter) == {"sign-up": {"IS": 1, "": 1}, "confirm": {"NO": 1}}


def test_P4_whoever_is_not_for_the_public_list_is_counted_without_the_country(
    client: Client, letter: Letter, form: dict[str, str], words: dict[str, str]
) -> None:
    for visibility in (Visibility.DELIVERY, Visibility.COUNTED):
        client.post(SIGN, {**form, "country": "IS", "visibility": visibility, "email": f"{visibility}@example.org"})
    make_many(letter, 1, country="IS", visibility=Visibility.DELIVERY)
    withdrawal.withdraw(Signature.objects.get())
    assert happened(letter) == {"sign-up": {"-": 2}, "confirm": {"-": 1}, "withdraw": {"-": 1}}


def test_who_leaves_is_counted_and_what_was_counted_stays(letter: Letter) -> None:
    rows = make_many(letter, 4, country="FR")
    withdrawal.withdraw(rows[0])
    withdrawal.erase(rows[1])
    Signature.objects.filter(pk=rows[2].pk).update(state=State.REJECTED)
    make_many(letter, 2, country="FR", paper=True)
    assert happened(letter) == {"confirm": {"FR": 4}, "withdraw": {"FR": 2}}, "paper stands in a table of its own"


def test_P4_no_time_is_kept_with_a_country(letter: Letter) -> None:
    make_many(letter, 1, country="FO")
    counts.fold_deltas()
    assert [field.name for field in CountryStatistic._meta.fields] == ["id", "letter", "country", "event", "number"]
    assert CountryStatistic.objects.get().number == 1


def test_what_was_counted_before_countries_were_is_a_row_of_its_own(letter: Letter) -> None:
    make_many(letter, 7, country="FR")
    counts.fold_deltas()
    CountryStatistic.objects.all().delete()
    make_many(letter, 6, country="DE")
    assert by_country(method.of_letter(letter.pk, timezone.now())) == {
        "DE": [0, 6, 0], "not counted by country": [0, 7, 0],
    }  # fmt: skip


def test_P4_a_country_of_which_another_table_hides_a_number_is_among_the_others(letter: Letter) -> None:
    make_many(letter, 9, country="FR")
    make_many(letter, 6, country="DE", state=State.WAITING)
    make_many(letter, 2, country="DE")  # eight confirmations, less the six that wait, would be these
    make_many(letter, 20, country="KR")
    statement = method.of_letter(letter.pk, timezone.now())
    assert by_country(statement) == {"KR": [0, 20, 0], OTHERS: [0, 17, 0]}
    assert ("country, sign-ups", OTHERS, "confirmations", 17) in list(statement.cells())


def test_a_delivery_keeps_the_numbers_of_its_moment_and_its_statement_none_of_them(letter: Letter) -> None:
    make_many(letter, 9, country="FR")
    make_many(letter, 7, country="DE")
    delivery = make_delivery(letter)
    make_many(letter, 30, country="KR")
    counts.fold_deltas()
    assert by_country(method.of_delivery(delivery)) == {"DE": [0, 7, 0], "FR": [0, 9, 0]}
    assert "events_by_country" not in delivery.statement


def test_a_delivery_from_before_has_no_table_in_place_of_an_empty_one(letter: Letter) -> None:
    make_many(letter, 9, country="FR")
    delivery = make_delivery(letter)
    delivery.method.pop("events_by_country")
    assert "country, sign-ups" not in [each.name for each in method.of_delivery(delivery).tables]


@given(
    st.dictionaries(st.sampled_from("ABCDEFGH"), st.lists(st.integers(0, 20), min_size=2, max_size=2)), st.text("AB")
)
def test_P4_a_row_that_is_left_out_cannot_be_found_by_subtraction(rows: dict[str, list[int]], elsewhere: str) -> None:
    cells = [(label, column, number) for label, row in rows.items() for column, number in enumerate(row)]
    shown = table_without_small_rows("t", {0: "a", 1: "b"}, cells, elsewhere).rows

    totals = [sum(row[column] for row in rows.values()) for column in (0, 1)]
    assert [sum(row[column] or 0 for _label, row in shown) for column in (0, 1)] == totals, "none is lost"
    left_out = rows.keys() - dict(shown).keys()
    assert {label for label, row in rows.items() if any(map(is_small, row))} | {*elsewhere} & rows.keys() <= left_out
    if left_out != rows.keys():
        assert len(left_out) != 1 and not any(is_small(number or 0) for _label, row in shown for number in row)
