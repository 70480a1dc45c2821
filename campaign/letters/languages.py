"""The languages that a letter may be written in: those of Django and CLDR, by the codes of BCP 47 in lower case."""

import difflib
from functools import cache, lru_cache
from typing import NamedTuple

from babel import Locale, UnknownLocaleError, localedata
from babel.core import get_global
from django.conf import settings
from django.conf.locale import LANG_INFO
from django.utils import translation

MAX_LENGTH = 10
_AMBIGUOUS = {"zh": "zh-hans"}  # the one that CLDR and Django take it for
# Django writes "Anglais" also inside a sentence, and "English (US)" in Japanese. Our catalogs come first.
translation.gettext_noop("Arabic")
translation.gettext_noop("English")
translation.gettext_noop("French")
translation.gettext_noop("Japanese")
translation.gettext_noop("Korean")
translation.gettext_noop("Simplified Chinese")
translation.gettext_noop("Spanish")
translation.gettext_noop("Traditional Chinese")


class Language(NamedTuple):
    """What a page says and does about a language.

    Attributes:
        own_name: its name in itself.
        name: its name in the language of the page.
        script: the code of its script (ISO 15924), such as `Arab`; "" if CLDR does not know it.
        is_rtl: whether it is written from right to left.
    """

    own_name: str
    name: str
    script: str
    is_rtl: bool

    @property
    def direction(self) -> str:
        return "rtl" if self.is_rtl else "ltr"


@cache
def codes() -> frozenset[str]:
    """Returns the codes of the list: languages, some of them by script or region where the writing differs."""
    of_cldr = (name.replace("_", "-").lower() for name in localedata.locale_identifiers() if _has_no_region(name))
    of_django = (code for code, info in LANG_INFO.items() if "fallback" not in info)
    return frozenset(code for code in {*of_cldr, *of_django} if len(code) <= MAX_LENGTH) - _AMBIGUOUS.keys()


def _has_no_region(name: str) -> bool:
    return all(part == "Latn" or len(part) == 4 for part in name.split("_")[1:])


def is_known(code: str) -> bool:
    """Returns whether a text may be published under this code: also one of the site that is on no list."""
    return code in codes() or code in dict(settings.LANGUAGES)


def normalize(typed: str) -> str:
    """Returns the code as we write it: in lower case, with hyphens, without another name of the same (`iw`, `zh-TW`).

    What is no code comes back as it was typed.
    """
    code = typed.strip().replace("_", "-").lower()
    if is_known(code):
        return code
    fallback = LANG_INFO.get(code, {}).get("fallback")
    alias = fallback[0] if fallback else _AMBIGUOUS.get(code) or get_global("language_aliases").get(code, "")
    return alias if is_known(alias) else typed


def suggestion(typed: str) -> str:
    """Returns the code that was probably meant by a name, a region of a language or a slip; "" if there is none."""
    wanted = typed.strip().replace("_", "-").lower()
    names = _codes_by_name()
    by_name = names.get(wanted) or next(iter(difflib.get_close_matches(wanted, names, 1, 0.8)), "")
    first = wanted.split("-", maxsplit=1)[0]
    return names.get(by_name, by_name) or (normalize(first) if is_known(normalize(first)) else "")


@cache
def _codes_by_name() -> dict[str, str]:
    own = {info["name_local"].lower(): code for code, info in LANG_INFO.items() if "name_local" in info}
    return {**own, **{name.lower(): code for code, name in names().items()}}


@lru_cache(maxsize=8)
def names(reader: str = "en") -> dict[str, str]:
    """Returns each code of the list with its name in the reader's language, in the order of the names."""
    named = {code: _name(code, reader) for code in codes()}
    return dict(sorted(named.items(), key=lambda item: item[1]))


def describe(code: str) -> Language:
    """Returns what is known of a language: names in the active language, script and direction. Every code has them."""
    own_name, script, is_rtl = _facts(code)
    return Language(own_name, _shown_name(code), script, is_rtl)


def plural_category(code: str, number: int) -> str:
    """Returns which form of a word a number takes in this language: zero, one, two, few, many or other, after CLDR."""
    return str((_locale(code) or Locale("en")).plural_form(number))


def _shown_name(code: str) -> str:
    """The catalogs come first for the languages of the site: they are what its readers know."""
    if code in dict(settings.LANGUAGES) and code in LANG_INFO:
        return str(translation.get_language_info(code)["name_translated"])
    return _name(code, translation.get_language() or settings.LANGUAGE_CODE)


@lru_cache(maxsize=2048)
def _name(code: str, reader: str) -> str:
    locale, of_reader = _locale(code), _locale(reader) or Locale("en")
    name = locale and locale.get_display_name(of_reader)
    return str(name or LANG_INFO.get(code, {}).get("name", code))


@lru_cache(maxsize=512)
def _facts(code: str) -> tuple[str, str, bool]:
    info, locale = LANG_INFO.get(code, {}), _locale(code)
    own_name = info.get("name_local") or (locale and locale.get_display_name()) or _name(code, "en")
    likely = get_global("likely_subtags").get(code.split("-", maxsplit=1)[0], "").split("_")
    script = (locale and locale.script) or (likely[1] if len(likely) > 1 else "")
    return str(own_name), str(script), bool(locale.text_direction == "rtl" if locale else info.get("bidi", False))


@lru_cache(maxsize=512)
def _locale(code: str) -> Locale | None:
    """Returns what CLDR has of a language; None if it has nothing."""
    if code not in codes():
        return None
    try:
        return Locale.parse(code, sep="-", resolve_likely_subtags=False)
    except UnknownLocaleError:  # of the names that Django alone knows
        return None
