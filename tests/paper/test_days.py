"""The days of a list on paper, as people and spreadsheets write them."""

from datetime import date

import pytest

from signatures.paper import days
from signatures.paper.days import Order

MAY_7 = date(2013, 5, 7)


@pytest.mark.parametrize(
    "typed",
    [
        "2013-05-07", "2013/5/7", "2013.5.7", "2013-05-07 00:00:00", "2013-05-07T00:00:00Z", "07.05.2013", "7.5.13",
        "2013-05-07T00:00:00.000Z", "2013-05-07 12:30:00,5", "2013-05-07T00:00:00+02:00", "2013-05-07T00:00Z",
        "2013-05-07 10:00 -0500", "7. 5.2013", "20130507", "41401.5", "41401,25", "41401.0",
        "41401", "7 May 2013", "May 7, 2013", "7-May-13", "7 mai 2013", "7 de mayo de 2013", "2013年5月7日", "2013. 5. 7.",
        "2013년 5월 7일", "２０１３/５/７", "7 مايو 2013", "7th of May 2013", "le 7 mai 2013", "2013年5月7日(火)",
        # Eras of Japan and Taiwan.
        "平成25年5月7日", "平成 25 年 5 月 7 日", "㍻25年5月7日", "H25.5.7", "h25/5/7", "Ｈ２５．５．７", "民國102年5月7日", "中華民國102年5月7日",
        # A year of two digits that stands first: nobody writes one with a single digit.
        "13/5/7", "13.5.7", "13-5-7",
        # Times with the half of the day before or after them.
        "2013/5/7 上午10:23:45", "2013/5/7 下午3:00:00", "2013. 5. 7. 오후 3:00:00", "2013/05/07 15時20分",
        "2013/05/07 午後3時", "2013/05/07(火) 15:20", "Tue May 07 2013 10:20:00 GMT+0900", "2013/05/07 3:00:00 PM GMT+9",
    ],
)  # fmt: skip
def test_a_day_is_read_as_spreadsheets_and_people_write_it(typed: str) -> None:
    assert days.parse_day(typed, order=None) == MAY_7


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (["5/7/2013", "5/31/2013"], "month"),
        (["7/5/2013", "31/5/2013", ""], "day"),
        (["5/7/2013", "6/6/2013"], None),
        (["31/5/2013", "5/31/2013"], None),
        (["07.05.2013", "2013-05-31"], None),
        (["5/2/2026", "5/3/2026", "26/5/7"], None),
        (["07.05.13", "31.05.13"], "day"),
        (["07.05.13", "13.05.31"], "year"),
        (["13.05.31", "31.05.13"], None),
    ],
)
def test_the_order_of_day_and_month_is_seen_from_the_days_that_can_be_read_in_one_way(
    cells: list[str], order: str | None
) -> None:
    assert days.shown_order(cells) == order


def test_a_day_that_can_be_two_is_not_guessed() -> None:
    assert days.parse_day("5/7/2013", order=Order.DAY) == date(2013, 7, 5)
    assert days.parse_day("5/7/2013", order=Order.MONTH) == MAY_7
    assert days.parse_day("5/5/2013 12:00 AM", order=None) == date(2013, 5, 5)
    with pytest.raises(ValueError, match="choose their order"):
        days.parse_day("5/7/2013", order=None)


@pytest.mark.parametrize(
    ("cells", "orders"),
    [
        (["5/2/2026", "26/5/7"], [Order.DAY, Order.MONTH]),
        (["5/2/2026", "5/31/2026"], []),
        (["07.05.13"], [Order.DAY, Order.YEAR]),
        (["05/07/13"], list(Order)),
        (["7.5.13", "13.5.7", "H25.5.7", "2013-05-07"], []),
    ],
)
def test_staff_are_asked_for_the_orders_that_are_possible(cells: list[str], orders: list[Order]) -> None:
    assert days.possible_orders(cells) == orders


def test_each_era_of_japan_counts_its_own_years() -> None:
    for typed, day in {
        "令和8年5月31日": date(2026, 5, 31),
        "R8.5.31": date(2026, 5, 31),
        "令和元年5月1日": date(2019, 5, 1),
        "昭和63年12月1日": date(1988, 12, 1),
        "s63.12.1": date(1988, 12, 1),
        "大正15年1月2日": date(1926, 1, 2),
        "明治45年1月2日": date(1912, 1, 2),
    }.items():
        assert days.parse_day(typed, order=None) == day


def test_a_year_of_two_digits_stands_where_staff_said() -> None:
    for order, day in ((Order.DAY, date(2013, 7, 5)), (Order.MONTH, MAY_7), (Order.YEAR, date(2005, 7, 13))):
        assert days.parse_day("05/07/13", order=order) == day
    with pytest.raises(ValueError, match="choose their order"):
        days.parse_day("5/7/2013", order=Order.YEAR)


@pytest.mark.parametrize(
    "typed", ["T102.5.7", "H32.5.7", "Q25.5.7", "7 M 2013", "5/7/8", "단기 4346년 5월 7일", "Heisei 25 5 7"]
)
def test_a_day_with_a_word_or_year_that_is_not_known_is_refused_and_not_guessed(typed: str) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        days.parse_day(typed, order=None)


@pytest.mark.parametrize("typed", ["yesterday", "31/31/2013", "2013-02-30", "5", "1/2", "9" * 5000, "7 Foo 2013"])
def test_what_is_no_day_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        days.parse_day(typed, order=Order.DAY)
