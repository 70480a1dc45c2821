"""Days, countries, kinds and visibilities as people and spreadsheets write them."""

from datetime import date

import pytest

from signatures.paper import values
from signatures.states import Visibility

MAY_7 = date(2013, 5, 7)


@pytest.mark.parametrize(
    "typed",
    [
        "2013-05-07", "2013/5/7", "2013.5.7", "2013-05-07 00:00:00", "2013-05-07T00:00:00Z", "07.05.2013", "7.5.13",
        "2013-05-07T00:00:00.000Z", "2013-05-07 12:30:00,5", "2013-05-07T00:00:00+02:00", "2013-05-07T00:00Z",
        "2013-05-07 10:00 -0500", "7. 5.2013", "20130507", "41401.5", "41401,25", "41401.0",
        "41401", "7 May 2013", "May 7, 2013", "7-May-13", "7 mai 2013", "7 de mayo de 2013", "2013年5月7日", "2013. 5. 7.",
        "2013년 5월 7일", "２０１３/５/７", "7 مايو 2013",
    ],
)  # fmt: skip
def test_a_day_is_read_as_spreadsheets_and_people_write_it(typed: str) -> None:
    assert values.parse_day(typed, day_first=None) == MAY_7


@pytest.mark.parametrize(
    ("cells", "day_first"),
    [
        (["5/7/2013", "5/31/2013"], False),
        (["7/5/2013", "31/5/2013", ""], True),
        (["5/7/2013", "6/6/2013"], None),
        (["31/5/2013", "5/31/2013"], None),
        (["07.05.2013", "2013-05-31"], None),
    ],
)
def test_the_order_of_day_and_month_is_seen_from_the_days_that_can_be_read_in_one_way(
    cells: list[str], day_first: bool | None
) -> None:
    assert values.day_order(cells) == day_first


def test_a_day_that_can_be_two_is_not_guessed() -> None:
    assert values.parse_day("5/7/2013", day_first=True) == date(2013, 7, 5)
    assert values.parse_day("5/7/2013", day_first=False) == MAY_7
    assert values.parse_day("5/5/2013 12:00 AM", day_first=None) == date(2013, 5, 5)
    with pytest.raises(ValueError, match="choose their order"):
        values.parse_day("5/7/2013", day_first=None)


@pytest.mark.parametrize("typed", ["yesterday", "31/31/2013", "2013-02-30", "5", "1/2", "9" * 5000, "7 Foo 2013"])
def test_what_is_no_day_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        values.parse_day(typed, day_first=True)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("Germany", "DE"), ("South Korea", "KR"), ("UK", "GB"), ("KOR", "KR"), ("kr", "KR"), ("U.S.A.", "US"),
        ("대한민국", "KR"), ("한국", "KR"), ("Corée du Sud", "KR"), ("韓国", "KR"), ("南韓", "KR"), ("韩国", "KR"),
        ("كوريا الجنوبية", "KR"), ("corea del sur", "KR"), ("The Netherlands", "NL"), ("Cote d'Ivoire", "CI"),
        ("Turkey", "TR"), ("", ""),
    ],
)  # fmt: skip
def test_a_country_is_known_by_its_names_and_codes(typed: str, code: str) -> None:
    assert values.parse_country(typed) == code


@pytest.mark.parametrize("typed", ["Atlantis", "XX", "Korea", "1"])
def test_another_country_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="not known"):
        values.parse_country(typed)


def test_yes_means_what_staff_said_and_nothing_before() -> None:
    assert values.asked_visibilities(["Yes", "public", "", "no", "YES"]) == ["no", "yes"]
    assert values.parse_visibility("Yes", {"yes": "public"}) == Visibility.PUBLIC
    assert values.parse_visibility("", {}) == Visibility.DELIVERY
    for typed in ("yes", "counted"):
        with pytest.raises(ValueError, match="without a name"):
            values.parse_visibility(typed, {})
