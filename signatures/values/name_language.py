"""In which language a name is read out and drawn: one Chinese character has a shape for each language."""

from functools import lru_cache

from babel.core import get_global
from fontTools.unicodedata import script

# What is written in the mixed scripts of CLDR.
_MIXED = {"Jpan": {"Hani", "Hira", "Kana"}, "Kore": {"Hang", "Hani"}, "Hans": {"Hani"}, "Hant": {"Hani"}}
_COMMON = {"Zinh", "Zyyy"}  # marks, digits, punctuation


@lru_cache(maxsize=10_000)
def language_of_name(name: str, country: str) -> str:
    """Return the language of a name, or "" if nobody can know: of whom we know no more than the country.

    It is the likeliest language of the country, if that is written in the script of the name, otherwise that of the
    script (CLDR, likely subtags). An empty `lang` says that the language is not known, and not that of the page.

    Args:
        name: a person's or an organization's.
        country: two letters of ISO 3166, or "".
    """
    likely: dict[str, str] = get_global("likely_subtags")  # type: ignore[assignment]  # by tag
    scripts = {"Latn"} if name.isascii() else {script(character) for character in name} - _COMMON
    if country:
        language, written, _country = likely.get(f"und_{country}", likely["und"]).split("_")
        if scripts <= _MIXED.get(written, {written}):
            return f"{language}-{written}" if language == "zh" else language
    tags = {likely.get(f"und_{letters}", "").partition("_")[0] for letters in scripts - {"Hani"} or scripts}
    return tags.pop() if len(tags) == 1 else ""
