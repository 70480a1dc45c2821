"""Countries, kinds and visibilities as people write them."""

import pytest

from signatures.paper import values
from signatures.states import Visibility


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("Germany", "DE"), ("South Korea", "KR"), ("UK", "GB"), ("KOR", "KR"), ("kr", "KR"), ("U.S.A.", "US"),
        ("대한민국", "KR"), ("한국", "KR"), ("Corée du Sud", "KR"), ("韓国", "KR"), ("南韓", "KR"), ("韩国", "KR"),
        ("كوريا الجنوبية", "KR"), ("corea del sur", "KR"), ("The Netherlands", "NL"), ("Cote d'Ivoire", "CI"),
        ("Turkey", "TR"), ("", ""),
        # Short and full names, in each language; codes of the Olympics.
        ("アメリカ", "US"), ("大韓民国", "KR"), ("EE. UU.", "US"), ("남한", "KR"), ("中华人民共和国", "CN"), ("日本国", "JP"),
        ("DPRK", "KP"), ("ROK", "KR"), ("PRC", "CN"), ("UAE", "AE"), ("DR Congo", "CD"), ("Republic of Congo", "CG"),
        ("Macedonia", "MK"), ("Vatican", "VA"), ("Northern Ireland", "GB"), ("GER", "DE"), ("SUI", "CH"), ("NED", "NL"),
        ("Republic of Austria", "AT"), ("Federal Republic of Germany", "DE"), ("Kingdom of the Netherlands", "NL"),
        ("République française", "FR"), ("République de Pologne", "PL"), ("República de Chile", "CL"), ("Republic of China", "TW"),
        ("جمهورية العراق", "IQ"), ("폴란드 공화국", "PL"), ("ポーランド共和国", "PL"), ("法兰西共和国", "FR"), ("新加坡共和国", "SG"),
    ],
)  # fmt: skip
def test_a_country_is_known_by_its_names_and_codes(typed: str, code: str) -> None:
    assert values.parse_country(typed) == code


@pytest.mark.parametrize("typed", ["Atlantis", "XX", "Korea", "1", "State of Georgia", "Democratic Republic of Korea"])
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
