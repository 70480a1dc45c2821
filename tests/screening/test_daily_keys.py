"""The key of the day: random, the same in all processes, destroyed with the last digest that was made with it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from campaign.models import Letter
from signatures import retention, tasks
from signatures.models import DailyKey
from signatures.screening import daily_keys, rate_limits
from tests.factories import make_signature

NETWORK = "203.0.113.0/24"
pytestmark = pytest.mark.django_db


def everything_stored() -> str:
    """All rows of all tables, as text: binary columns in hexadecimal digits."""
    rows = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT "{table}"::text FROM "{table}"')
            rows += [table, *(row for (row,) in cursor.fetchall())]
    return "\n".join(rows)


@pytest.fixture
def long_ago() -> datetime:
    """A moment whose day is over for more than 72 hours."""
    return datetime.now(UTC) - timedelta(days=5)


def test_R12_the_digest_of_a_past_day_cannot_be_computed_from_the_secret_and_the_database(
    letter: Letter, long_ago: datetime
) -> None:
    digest = rate_limits.network_digest(NETWORK, long_ago)
    make_signature(letter, "Ada", network=digest, signed_up_at=long_ago)
    number = bytes(DailyKey.objects.get(day=long_ago.date()).number)
    assert len(number) == 32 and number.hex() in everything_stored()
    assert digest in rate_limits.network_digests(NETWORK, long_ago, max_networks=1)

    assert tasks.run_duties.call(["delete-network-digests"]) == {}
    daily_keys.clear_cache()  # another process, with the same SECRET_KEY

    stored = everything_stored()
    assert "dailykey" in stored and number.hex() not in stored and digest not in stored
    assert digest not in rate_limits.network_digests(NETWORK, long_ago, max_networks=1)


@pytest.mark.parametrize(("hours", "is_kept"), [(0, True), (70, True), (72, False)])
def test_R12_a_key_lives_as_long_as_the_digests_of_its_day(
    monkeypatch: pytest.MonkeyPatch, hours: int, is_kept: bool
) -> None:
    day_is_over = datetime(2001, 3, 2, tzinfo=UTC)
    DailyKey.objects.create(day=date(2001, 3, 1), number=b"k" * 32)
    monkeypatch.setattr(timezone, "now", lambda: day_is_over + timedelta(hours=hours))
    retention.delete_network_digests()
    assert DailyKey.objects.filter(day=date(2001, 3, 1)).exists() == is_kept


def test_R12_neither_the_secret_nor_the_database_alone_makes_the_key(settings: Any) -> None:
    days = [date(2001, 1, day) for day in (1, 2)]
    keys = {daily_keys.key_of(day) for day in days}
    assert len(keys) == 2, "one secret, two days"
    settings.SECRET_KEY = "another" * 8
    assert not keys & {*daily_keys.existing_keys(days), *map(bytes, DailyKey.objects.values_list("number", flat=True))}


def test_R12_a_process_reads_a_key_once(django_assert_num_queries: Any) -> None:
    daily_keys.key_of(date(2001, 1, 3))
    with django_assert_num_queries(0):
        daily_keys.key_of(date(2001, 1, 3))


def test_a_process_forgets_the_keys_of_former_days() -> None:
    for day in (4, 5, 6):
        daily_keys.key_of(date(2001, 1, day))
    assert set(daily_keys._known) == {date(2001, 1, 5), date(2001, 1, 6)}


def test_a_key_outlives_the_transaction_in_which_it_was_needed_first() -> None:
    day = date(2001, 1, 7)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        key = daily_keys.key_of(day)
        raise ZeroDivisionError
    assert daily_keys.existing_keys([day]) == [key]


@pytest.mark.django_db(transaction=True)
def test_many_processes_that_need_a_new_key_at_once_get_the_same() -> None:
    def read(_number: int) -> bytes:
        try:
            return daily_keys._read_or_create(date(2001, 1, 8))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(read, range(32)))) == 1


def test_looking_up_makes_no_key() -> None:
    DailyKey.objects.all().delete()
    assert rate_limits.network_digests(NETWORK, datetime(2001, 2, 1, tzinfo=UTC), max_networks=1) == []
    assert not DailyKey.objects.exists()
