"""Countries, kinds and visibilities as people write them."""

from collections.abc import Iterator

import pytest
from babel import Locale
from django.conf import settings
from django.utils import translation
from django_countries import countries

from signatures.paper import values
from signatures.states import Visibility
from signatures.values.normalization import normalize_for_search


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


def ways(name: str, language: str) -> Iterator[str]:
    """Yields how people write a name: as it stands, in capitals or without, without accents, and with an article."""
    yield from (name, name.upper(), name.lower(), f"  {name} ")
    if language in {"en", "es", "fr"}:
        yield normalize_for_search(name)  # without accents
        articles = {"en": "the ", "es": "la ", "fr": "l’"}
        yield from (articles[language] + name, articles[language].replace("’", "'").upper() + name)
    if language == "ar":
        yield name.removeprefix("ال")


@pytest.mark.parametrize("language", list(dict(settings.LANGUAGES)))
def test_every_country_of_the_form_is_known_by_its_name_in_every_language(language: str) -> None:
    with translation.override(language):
        shown = [(code, str(name)) for code, name in countries]
    babel = Locale.parse(values.locale_name(language)).territories
    assert len(shown) == 250
    names = [*shown, *((code, babel[code]) for code, _name in shown if code in babel)]
    found = [(code, way, code_of(way)) for code, name in names for way in ways(name, language)]
    assert [each for each in found if each[0] != each[2]] == []


def code_of(typed: str) -> str:
    try:
        return values.parse_country(typed)
    except ValueError:
        return ""


def test_every_country_of_the_form_is_known_by_its_codes_of_two_and_three_letters() -> None:
    codes = [(code, way) for code in countries.countries for way in (code, code.lower(), countries.alpha3(code))]
    assert [each for each in codes if code_of(each[1]) != each[0]] == []


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("BA", "Bosnia"), ("BN", "Brunei; Brunei Darussalam"), ("CD", "Congo, Democratic Republic of the; DRC"),
        ("CI", "Ivory Coast; Costa de Marfil"), ("CV", "Cape Verde; Cabo Verde"), ("CZ", "Czech Republic; Czechia"),
        ("FM", "Micronesia; Micronesia, Federated States of"), ("GB", "UK; Great Britain; England"), ("IE", "Eire"),
        ("HK", "Hong Kong; HONG KONG SAR; 香港"), ("IR", "Iran; Iran, Islamic Republic of; Iran (Islamic Republic of)"),
        ("KP", "North Korea; N. Korea; DPRK"), ("LA", "Laos; Lao PDR"), ("MD", "Moldova; Moldova, Republic of"),
        ("KR", "South Korea; Korea, South; Korea (South); Korea, Republic of; S. Korea"), ("MK", "Macedonia"),
        ("MM", "Burma; Myanmar"), ("MO", "Macau; Macao; 澳門; 澳门"), ("PS", "Palestine; State of Palestine; فلسطين"),
        ("RU", "Russia; Russian Federation"), ("SK", "Slovakia; Slovak Republic"), ("SY", "Syria; Syrian Arab Republic"),
        ("SZ", "Swaziland; Eswatini"), ("TL", "East Timor; Timor-Leste"), ("TR", "Turkey; Turkiye"),
        ("TW", "Taiwan; Chinese Taipei; 台灣; 台湾"), ("TZ", "Tanzania; Tanzania, United Republic of"),
        ("US", "USA; U.S.A.; America; les États-Unis; los Estados Unidos"), ("VA", "Vatican; Holy See; the Vatican"),
        ("VE", "Venezuela; Venezuela, Bolivarian Republic of"), ("VN", "Vietnam; Viet Nam"),
        ("XK", "Kosovo; kosova; KOSOVO; XK; XKX; KOS"),
    ],
)  # fmt: skip
def test_a_country_is_known_by_its_common_short_names(code: str, names: str) -> None:
    assert {code_of(name) for name in names.split("; ")} == {code}


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
