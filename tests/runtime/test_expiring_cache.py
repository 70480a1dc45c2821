"""A value is kept for its time, and no longer; an old one stays available where a new one cannot be had."""

from collections.abc import Iterator

import pytest

from campaign.runtime.expiring_cache import ExpiringCache


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_000.0]
    monkeypatch.setattr("campaign.runtime.expiring_cache.time.monotonic", lambda: now[0])
    return now


@pytest.fixture
def numbers() -> Iterator[int]:
    return iter(range(1, 100))


def test_a_value_is_loaded_once_until_it_expires(clock: list[float], numbers: Iterator[int]) -> None:
    cache = ExpiringCache[str, int](10)
    found = [cache.get_or_load("a", numbers.__next__), cache.get_or_load("b", numbers.__next__)]
    clock[0] += 9.9
    found += [cache.get_or_load("a", numbers.__next__), cache.get("a") or 0]
    clock[0] += 0.1
    assert cache.get("a") is None and cache.last("a") == 1
    assert [*found, cache.get_or_load("a", numbers.__next__)] == [1, 2, 1, 1, 3]


def test_what_is_false_is_kept_as_well(clock: list[float], numbers: Iterator[int]) -> None:
    cache = ExpiringCache[str, list[int]](10)
    assert cache.get_or_load("a", list) == [] == cache.get_or_load("a", lambda: [next(numbers)])


def test_a_value_may_have_a_lifetime_of_its_own(clock: list[float], numbers: Iterator[int]) -> None:
    cache = ExpiringCache[str, int](10)
    cache.get_or_load("a", numbers.__next__, lifetime=lambda value: value * 2.0)
    clock[0] += 1.9
    assert cache.get_or_load("a", numbers.__next__) == 1
    clock[0] += 0.1
    assert cache.get_or_load("a", numbers.__next__) == 2


def test_the_old_value_outlives_a_failed_load(clock: list[float]) -> None:
    cache = ExpiringCache[str, int](10)
    cache.put("a", 1)
    clock[0] += 60
    with pytest.raises(ZeroDivisionError):
        cache.get_or_load("a", lambda: 1 // 0)
    assert cache.last("a") == 1


def test_one_loads_what_has_just_expired_and_the_others_go_on_with_it(clock: list[float]) -> None:
    cache = ExpiringCache[str, int](10)
    cache.put("a", 1)
    clock[0] += 10
    # The inner call is what another thread asks while the first one loads.
    assert cache.get_or_load("a", lambda: cache.get_or_load("a", lambda: 3) + 10) == 11 == cache.get("a")


def test_what_expired_long_ago_is_given_to_nobody(clock: list[float]) -> None:
    cache = ExpiringCache[str, int](10)
    cache.put("a", 1)
    clock[0] += 20
    assert cache.get_or_load("a", lambda: cache.get_or_load("a", lambda: 3) + 10) == 13


def test_where_loading_fails_the_next_one_loads_again(clock: list[float]) -> None:
    cache = ExpiringCache[str, int](10)
    cache.put("a", 1)
    clock[0] += 10
    with pytest.raises(ZeroDivisionError):
        cache.get_or_load("a", lambda: 1 // 0)
    assert (cache.get("a"), cache.last("a")) == (None, 1)
    assert cache.get_or_load("a", lambda: 2) == 2


def test_it_forgets_when_told(clock: list[float]) -> None:
    cache = ExpiringCache[str, int](10)
    for key in "abc":
        cache.put(key, 1)
    cache.discard("a")
    cache.discard("never there")
    assert (cache.last("a"), cache.get("b")) == (None, 1)
    cache.clear()
    assert cache.last("b") is None is cache.get("never there")
