"""Organizations and people have words and numbers of their own wherever a number is shown."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from campaign.letters.closing import closing_time, last_day
from campaign.models import Letter
from signatures import counts
from signatures.delivery.pdf import Counts, Wording
from signatures.models import Alarm, CountDelta, Signature
from signatures.moderation import decisions
from signatures.monitoring import alarms
from signatures.signing import withdrawal
from signatures.states import State, Visibility
from tests import single_decisions
from tests.factories import make_signature

pytestmark = pytest.mark.django_db


def organization(letter: Letter, name: str = "Bridge Club", state: State = State.APPROVED, **fields: Any) -> Signature:
    return make_signature(letter, name, state, kind="organization", **fields)


def numbers(letter: Letter) -> tuple[int, int]:
    found = counts.for_letter(letter.pk)
    assert found.organizations + found.people == found.total
    return found.organizations, found.people


BOTH = "<strong>1</strong> organization and <strong>2</strong> people have signed"


@pytest.mark.parametrize(
    "page", ["/letters/bridge/", "/letters/bridge/signatories/", "/letters/bridge/embed/", "/letters/"]
)
def test_each_page_names_both_and_counts_no_rows(client: Client, letter: Letter, page: str) -> None:
    organization(letter)
    make_signature(letter, "Ada")
    make_signature(letter, "", visibility=Visibility.COUNTED)
    with CaptureQueriesContext(connection) as queries:
        assert BOTH in client.get(page).content.decode()
    counting = [
        query["sql"]
        for query in queries
        if "count(" in query["sql"].lower() and '"signatures_signature"' in query["sql"]
    ]
    assert counting == []


@pytest.mark.parametrize(
    ("organizations", "people", "english", "korean", "chinese"),
    [
        (0, 1, "<strong>1</strong> person has signed", "<strong>1</strong>명", "<strong>1</strong>"),
        (1, 0, "<strong>1</strong> organization has signed", "<strong>1</strong>개 단체가", "<strong>1</strong>个组织"),
        (2, 0, "<strong>2</strong> organizations have signed", "<strong>2</strong>개 단체가", "<strong>2</strong>个组织"),
        (2, 1, "organizations and <strong>1</strong> person have signed", "단체와 <strong>1</strong>명이", "和<strong>1</strong>人"),
    ],
)  # fmt: skip
def test_each_number_has_its_plural_form_in_each_language(
    client: Client, letter: Letter, organizations: int, people: int, english: str, korean: str, chinese: str
) -> None:
    for number in range(organizations):
        organization(letter, f"Club {number}")
    for number in range(people):
        make_signature(letter, f"Ada {number}")
    for prefix, words in (("", english), ("/ko", korean), ("/zh-hans", chinese)):
        assert words in client.get(f"{prefix}/letters/bridge/embed/").content.decode(), prefix


def test_the_number_of_organizations_follows_every_decision(letter: Letter, moderator: Any) -> None:
    row = organization(letter, state=State.WAITING)
    make_signature(letter, "Ada")
    assert numbers(letter) == (1, 1), "waiting without a flag"
    single_decisions.reject(row, by=moderator.pk, reason="x")
    assert numbers(letter) == (0, 1)
    decisions.undo(row, by=moderator.pk)
    counts.fold_deltas()
    assert numbers(letter) == (1, 1), "folded"
    withdrawal.withdraw(row)
    assert numbers(letter) == (0, 1)


def test_an_organization_that_is_counted_only_is_among_the_people(letter: Letter) -> None:
    organization(letter, "", visibility=Visibility.COUNTED)
    assert numbers(letter) == (0, 1)


def test_a_wrong_kind_in_the_counts_raises_the_alarm(letter: Letter) -> None:
    organization(letter)
    CountDelta.objects.update(kind="person")
    assert alarms.recount() == 1
    assert Alarm.objects.filter(code="count-drift").exists()


def test_the_last_page_of_the_document_names_both_too() -> None:
    words = Wording.suiting("en")
    assert words.summary(Counts(25, 24, 1, organizations=1)).startswith("1 organization and 24 people have signed. 25 ")
    assert words.summary(Counts(2, 2, 0, organizations=2)).startswith("2 organizations have signed. 2 signatures")
    assert words.summary(Counts(2, 2, 0)) == "2 signatures, all named here."
    assert Wording.suiting("ko").summary(Counts(3, 3, 0, organizations=1)).startswith("1개 단체와 2명이 서명했습니다. ")


# When it closes: the same line tells it.


@pytest.mark.parametrize(
    ("closes_at", "day", "words"),
    [
        (datetime(2026, 12, 1, 5, 0, tzinfo=UTC), date(2026, 11, 30), "Nov. 30, 2026, New York Time"),
        (datetime(2026, 12, 1, 4, 59, tzinfo=UTC), date(2026, 11, 30), "Nov. 30, 2026, New York Time"),
        (datetime(2026, 11, 30, 20, 0, tzinfo=UTC), date(2026, 11, 30), "Nov. 30, 2026, 3 p.m., New York Time"),
    ],
)  # fmt: skip
def test_the_last_day_is_the_last_day_where_the_letter_is(
    client: Client, letter: Letter, closes_at: datetime, day: date, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter.time_zone, letter.closes_at = "America/New_York", closes_at
    assert (last_day(letter), closing_time(letter)) == (day, words)


def test_the_zone_is_named_as_a_reader_knows_it(letter: Letter) -> None:
    letter.time_zone, letter.closes_at = "America/New_York", datetime(2026, 12, 1, 5, 0, tzinfo=UTC)
    for language, name in (("ko", "뉴욕 시간"), ("zh-hans", "纽约时间"), ("zh-hant", "紐約時間")):
        with translation.override(language):
            assert name in closing_time(letter) and "30" in closing_time(letter)
    letter.time_zone = "UTC"
    assert closing_time(letter).endswith("5 a.m., UTC")
