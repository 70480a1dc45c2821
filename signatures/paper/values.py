"""What cells of a list on paper mean: countries, kinds and visibilities as people write them. For days see `days`."""

import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from babel import Locale
from babel.core import get_global
from django.conf import settings
from django.utils import translation
from django_countries import countries

from campaign.runtime.regular_expressions import linear
from signatures.states import Kind, Visibility
from signatures.values.normalization import normalize_for_search

_OTHER_NAMES = tomllib.loads(Path(__file__).with_name("countries.toml").read_text("utf-8"))
# Before names in sentences: la France, los Estados Unidos.
_ARTICLE = linear(r"\A(?:(?:the|les?|la|el|los|las) |l['\u2019] ?)")
# As lists of countries write them, to be found by the first word: Korea, Republic of; Palestina (Estado de).
_TURNED = linear(r"\A([^,(]+?) ?[,(] ?([^,()]+?) ?\)?\Z")
# Before and after the names of states where they are written in full: Republic of Austria, 日本国.
_FULL_NAMES = linear(
    r"\A(?:(?:(?:federal|islamic|socialist|federative|bolivarian|plurinational|united)?republic|kingdom|commonwealth)of(?:the)?"
    r"|(?:republique|royaume)(?:de|du|des|d)|(?:republica|reino)(?:de|del)|جمهوريه|مملكه)?(.+?)(?:共和国|共和國|王国|王國|联邦|聯邦|連邦|国|國|공화국|왕국|연방)?\Z"
)
_KINDS = {"person": Kind.PERSON, "individual": Kind.PERSON, "organization": Kind.ORGANIZATION, "": Kind.PERSON}
_VISIBILITIES = {"": Visibility.DELIVERY, "public": Visibility.PUBLIC, "delivery": Visibility.DELIVERY}


def parse_kind(typed: str) -> Kind:
    """Raises ValueError with a sentence for staff, like all of this module."""
    try:
        return _KINDS[normalize_for_search(typed)]
    except KeyError:
        raise ValueError("The kind must be “person” or “organization”, or empty.") from None


def parse_visibility(typed: str, answers: Mapping[str, str]) -> Visibility:
    """Returns the visibility; of words such as “yes” that which staff said they mean (`answers`)."""
    key = normalize_for_search(typed)
    meant = answers.get(key, "") or _VISIBILITIES.get(key, "")
    if not meant:
        raise ValueError("The visibility must be “public” or “delivery”: nobody signs on paper without a name.")
    return Visibility(meant)


def asked_visibilities(cells: Iterable[str]) -> list[str]:
    """Returns the words of a column of which staff have to say whether they mean “public”."""
    return sorted({key for cell in cells if (key := normalize_for_search(cell)) not in _VISIBILITIES})


def parse_country(typed: str) -> str:
    """Returns the code of a country that is written as a code or by its name in a language of the pages."""
    if not _country_key(typed):
        return ""
    for key in _country_keys(typed):
        if code := _country_codes().get(key):
            return code
    raise ValueError("This country is not known. Please write its name in English, or its code of two letters.")


@cache
def _country_codes() -> dict[str, str]:
    """Returns the codes by all that names a country: codes of two and three letters, former ones, names."""
    known = set(countries.countries)
    found = {_country_key(old): new[0] for old, new in get_global("territory_aliases").items() if {new[0]} <= known}
    found = {_country_key(ioc): code for code, ioc in countries.ioc_codes.items() if code in known} | found
    shown: dict[str, str] = {}
    for language in dict(settings.LANGUAGES):
        names = Locale.parse(locale_name(language)).territories
        found |= {_country_key(name): code for code, name in names.items() if code in known}
        with translation.override(language):
            shown |= {_country_key(str(name)): code for code, name in [*countries.countries.items(), *countries]}
    found |= shown  # the form says what a name means
    found |= {_country_key(name): code for code, names in _OTHER_NAMES.items() for name in names}
    found |= {_country_key(code): code for code in known} | {
        _country_key(countries.alpha3(code)): code for code in known
    }
    without_article = {key.removeprefix("ال"): code for key, code in found.items()}
    return without_article | found


def locale_name(language: str) -> str:
    """Returns what Babel calls a language of the pages."""
    return {"zh-hans": "zh_Hans", "zh-hant": "zh_Hant"}.get(language, language)


def _country_keys(typed: str) -> Iterator[str]:
    """Yields what a country may be found by, the most exact first."""
    words = normalize_for_search(typed)
    turned = _TURNED.sub(r"\2 \1", words)
    for written in dict.fromkeys((words, turned, _ARTICLE.sub("", words), _ARTICLE.sub("", turned))):
        key = _country_key(written)
        yield key
        yield _FULL_NAMES.sub(r"\1", key)


def _country_key(typed: str) -> str:
    words = normalize_for_search(typed).removeprefix("the ").replace("&", "and")
    return "".join(c for c in words if unicodedata.category(c)[0] in "LMN")
