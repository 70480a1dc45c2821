"""The language in which a name is to be read aloud, which a screen reader needs to choose its voice."""

from functools import cache

from babel.core import get_global
from fontTools.unicodedata import script

from campaign.letters.languages import describe

OF_NO_SCRIPT = frozenset({"Zyyy", "Zinh", "Zzzz"})  # signs and digits, common to all
WRITTEN_IN = {  # the scripts of the characters, by the script of a language
    "Hans": {"Hani", "Bopo"}, "Hant": {"Hani", "Bopo"}, "Jpan": {"Hani", "Hira", "Kana"}, "Kore": {"Hang", "Hani"},
}  # fmt: skip
script_of_char = cache(script)


def language_of(name: str, signed_in: str, document: str) -> str:
    """Returns the tag of the language of a name, or nothing if the document's own suits it.

    It is the language of the page on which it was signed, the document's, or the commonest one in this script: the
    first that is written in the script of the name.
    """
    found = _script(name)
    language = _suiting(found, signed_in, document) if found else ""
    return "" if language.partition("-")[0] == document.lower().partition("-")[0] else language


def _script(name: str) -> str:
    if name.isascii():
        return "Latn" if any(map(str.isalpha, name)) else ""
    scripts = [found for char in name if char.isalpha() and (found := script_of_char(char)) not in OF_NO_SCRIPT]
    # A name with kana is Japanese, and one with Hangul Korean, also where it begins with a Han character.
    return next((found for found in scripts if found in {"Hira", "Kana", "Hang"}), scripts[0] if scripts else "")


@cache
def _suiting(found: str, signed_in: str, document: str) -> str:
    for language in filter(None, (signed_in, document)):
        of_language = describe(language).script
        if found in WRITTEN_IN.get(of_language, {of_language}):
            return language.lower()
    likely = str(get_global("likely_subtags").get(f"und_{found}", ""))
    return likely.partition("_")[0] or f"und-{found}"
