"""The time of a limit slides with the clock: there is no moment at which a flood could begin anew."""

import itertools
from collections.abc import Callable

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from signatures.models import RateBucket, RateLimit, Submission
from signatures.screening import bursts, rate_limits
from tests.screening.test_rate_limits import set_limit

SIGN = "/letters/bridge/sign/"
MIDNIGHT = 1_800_057_600.0
pytestmark = pytest.mark.django_db
numbers = itertools.count()


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """`at(MIDNIGHT)`: sets the clock of the limits."""
    clock = [MIDNIGHT]
    monkeypatch.setattr(rate_limits, "now", lambda: clock[0])

    def set_clock(seconds: float) -> None:
        clock[0] = seconds

    return set_clock


def come(value: str = "2001:db8:7::/48") -> bool:
    """Returns whether one more event of the wide network is within the limit."""
    return not rate_limits.count_event({"wide-network": value}).over


def most_in(seconds: float, times: list[float]) -> int:
    """Returns how many of these times at most are less than so many seconds apart."""
    return max((sum(0 <= time - first < seconds for time in times) for first in times), default=0)


def sign_up(client: Client, form: dict[str, str], number: int, address: str) -> list[str]:
    name = f"{chr(0xAC00 + number * 31)}{chr(0xB098 + number * 7)}"
    client.post(SIGN, {**form, "name": name, "email": address}, REMOTE_ADDR=f"2001:db8:7:{number:x}::1")
    return Submission.objects.latest("pk").flags


def test_S34_at_the_turn_of_an_hour_nobody_gets_a_second_hundred(at: Callable[[float], None]) -> None:
    within = []
    for moment in (MIDNIGHT - 1, MIDNIGHT + 1, MIDNIGHT + 1800, MIDNIGHT + 3598, MIDNIGHT + 3599):
        at(moment)
        within.append(sum(come() for _time in range(110)))
    assert within == [100, 0, 0, 0, 100]


def test_S34_sign_ups_before_and_after_the_turn_of_an_hour_are_flagged_as_one_flood(
    client: Client, form: dict[str, str], at: Callable[[float], None]
) -> None:
    set_limit("wide-network", 5, seconds=3600)
    flags = []
    for number in range(12):
        at(MIDNIGHT - 6 + number)
        flags.append(sign_up(client, form, number, f"person{number}@gmail.com"))
    assert flags == [[]] * 5 + [["rate"]] * 7


@settings(max_examples=60, deadline=None)
@given(
    start=st.floats(0, 86_400),
    gaps=st.lists(st.one_of(st.just(0.0), st.floats(0, 0.05), st.floats(0.2, 1.2)), min_size=4, max_size=24),
    seconds=st.sampled_from([60, 600, 3600, 86_400]),
    most=st.integers(1, 4),
)
def test_S34_whenever_an_hour_begins_no_more_events_are_within_a_limit_than_the_limit(
    start: float, gaps: list[float], seconds: int, most: int
) -> None:
    set_limit("wide-network", most, seconds=seconds)
    value, moment, within = str(next(numbers)), MIDNIGHT + start, list[float]()
    with pytest.MonkeyPatch.context() as patch:
        for gap in gaps:
            moment += gap * seconds
            patch.setattr(rate_limits, "now", lambda moment=moment: moment)
            if come(value):
                within.append(moment)
            else:
                longest = seconds * (1 + 1 / rate_limits.PARTS)
                assert sum(time > moment - longest for time in within) >= most, "nobody is flagged for long ago"
    assert most_in(seconds, within) <= most
    spans = [time // seconds for time in within]
    assert all(spans.count(span) <= most for span in spans), "nor than in spans that are fixed"


def test_who_goes_on_trying_is_within_the_limit_again_as_often_as_others(at: Callable[[float], None]) -> None:
    set_limit("wide-network", 2, seconds=60)
    within = []
    for second in range(0, 600, 3):
        at(MIDNIGHT + second)
        within.append(come())
    assert within.count(True) == 20, "two in each minute"


def test_an_event_of_yesterday_counts_under_the_key_of_yesterday(at: Callable[[float], None]) -> None:
    set_limit("wide-network", 1, seconds=86_400)
    at(MIDNIGHT - 3600)
    assert come()
    at(MIDNIGHT + 22 * 3600)
    assert not come()
    at(MIDNIGHT + 23 * 3600)
    assert come()
    assert RateBucket.objects.count() == 2


def test_who_proved_who_they_are_may_mistype_again_whenever_they_had_mistyped(at: Callable[[float], None]) -> None:
    set_limit("wide-network", 1, seconds=600)
    at(MIDNIGHT - 1)
    come()
    at(MIDNIGHT + 1)
    rate_limits.reset({"wide-network": "2001:db8:7::/48"})
    assert come()


@pytest.mark.parametrize(
    ("scope", "address"),
    [("small-domain", "p{}@mailbot.ru"), ("mailbox", "anna.keller+{}@gmx.net")],
)
def test_S30_a_burst_over_midnight_is_flagged_from_its_first_one_on(
    client: Client, form: dict[str, str], at: Callable[[float], None], scope: str, address: str
) -> None:
    set_limit(scope, 3, seconds=86_400)
    RateLimit.objects.filter(scope="mailbox", seconds=600).delete()
    at(MIDNIGHT - 30 * 3600)
    sign_up(client, form, 7, "p7@firm.example")
    for number in range(4):
        at(MIDNIGHT - 2 + number)
        sign_up(client, form, number, address.format(number))
    bursts.flag_bursts()
    found = Submission.objects.order_by("pk").values_list("flags", flat=True)
    assert list(found) == [[]] + [["burst"]] * 4


def test_a_limit_that_staff_raise_flags_no_more_of_a_burst(
    client: Client, form: dict[str, str], at: Callable[[float], None]
) -> None:
    set_limit("small-domain", 1, seconds=86_400)
    for number in range(2):
        sign_up(client, form, number, f"p{number}@mailbot.ru")
    RateLimit.objects.filter(scope="small-domain").update(max_count=9)
    rate_limits.clear_cache()
    assert sign_up(client, form, 2, "p2@mailbot.ru") == []
    assert bursts.flag_bursts() == 0
