"""Risk checks: what in a submission sends it to review. A flag never refuses anything, and no signer sees it."""

import unicodedata
from collections.abc import Collection, Mapping

from disposable_email_domains import blocklist

from campaign.runtime.regular_expressions import linear
from signatures.registries import Flag
from signatures.registries.typed_fields import DELIVERED, WORDS
from signatures.screening import adverts
from signatures.screening.protected_names import is_protected
from signatures.screening.scripts import script_of, scripts_of
from signatures.values import csv_cells, form_stamps

MIN_SECONDS = 3  # in which nobody reads the form and fills it in
HUMAN_SECONDS = 8  # in which a person who is quick at the keyboard can fill it in
MAX_DIGITS = 3  # in a row, other than a year, that people rarely put into the name of a mailbox
MIN_COMMENT_LENGTH = 20  # letters of a comment that two people do not write alike by chance; a Han character is three
MARKS = frozenset({"Mn", "Me"})
MAX_MARKS = 3  # on one letter: Hebrew with cantillation has as many, after NFC (threat model F12)
# These scripts write above and below a letter what others write beside it: ལཀྵྨཱི, ညှို့. Zalgo made of them mixes scripts.
MAX_MARKS_OF_SCRIPT = {"Tibt": 5, "Mymr": 5, "Lana": 5}
MAX_MARKS_PER_LETTER = 2  # on the average of a text
MARKS_IN_ANY_TEXT = 6  # so many are fine, whatever the average of a single word is

_NUMBER, _YEAR, _NO_LETTER, _VOWEL = linear(r"\d+"), linear(r"(19|20)\d\d"), linear(r"[^a-z]"), linear(r"[aeiouy]")
_LETTER_BESIDE_DIGIT = linear(r"(?<=[a-z])\d|(?<=\d)[a-z]")
# Scripts that are written together in one word: Japanese, Korean and Chinese take Han characters.
_TOGETHER = ({"Hani", "Hira", "Kana"}, {"Hani", "Hang"}, {"Hani", "Bopo"})
_WITH_LATIN = frozenset({"Latn", "Hani", "Hira", "Kana", "Hang"})  # in the names of firms: LG전자, JR東日本
_BESIDE_NAME = [word for word in WORDS if word != "name"]
_SHOWN_BESIDE_NAME = [word for word in _BESIDE_NAME if word in DELIVERED]


def flags(
    typed: Mapping[str, str],
    *,
    trap: str = "",
    stamp: str | None = None,
    seconds: int | None = None,
    mailbox: str = "",
    domains: Collection[str] = (),
    protected_names: Collection[str] = (),
    organization: bool = False,
) -> list[str]:
    """Returns the flags that a submission raises, sorted; none for most.

    Words that are missing count as empty. `trap`, `stamp` and `seconds` are those of `submission_risk.Origin`; `stamp`
    is None when the form has none. `mailbox` is the local part of the email address. `protected_names` are those that
    a troll would like to sign with. `organization` says that one signs by its name, and somebody has to speak for it.
    """
    name = typed.get("name", "")
    beside = [typed.get(word, "") for word in _BESIDE_NAME]
    shown = [typed.get(word, "") for word in _SHOWN_BESIDE_NAME]
    raised = {
        Flag.TRAP: bool(trap),
        Flag.STALE_FORM: stamp is not None and not form_stamps.is_fresh(stamp),
        Flag.FAST: seconds is not None and seconds < MIN_SECONDS,
        Flag.MACHINE: bool(mailbox) and not is_human_speed(seconds) and _is_machine_made(mailbox),
        Flag.DISPOSABLE: not blocklist.isdisjoint(domains),
        Flag.SCRIPT_MIX: _mixesscripts_of(name) or any(_mixesscripts_of(line, allowed=_WITH_LATIN) for line in shown),
        Flag.MARKS: any(map(_has_many_marks, [name, *beside])),
        Flag.FORMULA: "@" in unicodedata.normalize("NFKC", name) or csv_cells.guard(name) != name,
        Flag.LINK: adverts.has_advert(name, is_name=True, of_organization=organization)
        or any(
            adverts.has_advert(typed.get(word, ""), is_name=False, of_organization=word == "organization")
            for word in _BESIDE_NAME
        ),
        Flag.PROTECTED_NAME: is_protected(name, protected_names, is_person=not organization),
        Flag.ORGANIZATION: organization,
        Flag.NO_SPOKESPERSON: organization and not typed.get("spokesperson"),
    }
    return sorted(flag for flag, is_raised in raised.items() if is_raised)


def is_human_speed(seconds: int | None) -> bool:
    """Returns whether script measured that the form was open for as long as a person needs.

    False by itself means nothing: many people use no script.
    """
    return seconds is not None and seconds >= HUMAN_SECONDS


def text_key(text: str) -> str:
    """Returns a text without numbers, case, accents and punctuation, by which variants of it are equal."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text).casefold() if unicodedata.category(c)[0] == "L")
    return unicodedata.normalize("NFC", plain)


def comment_key(comment: str) -> str:
    """Returns the key of a comment, or "" for one so short that many people write it by chance."""
    key = text_key(comment)
    return key if sum(3 if c >= "\u2e80" else 1 for c in key) >= MIN_COMMENT_LENGTH else ""


def _is_machine_made(mailbox: str) -> bool:
    """Returns whether a mailbox is named as machines name them.

    That is: with a long number that is no year, many changes between letters and digits, or hardly a vowel.
    """
    local = mailbox.partition("+")[0].lower()
    numbers = _NUMBER.findall(local)
    letters = _NO_LETTER.sub("", local)
    return (
        (bool(letters) and any(len(n) >= MAX_DIGITS and not _YEAR.fullmatch(n) for n in numbers))
        or len(_LETTER_BESIDE_DIGIT.findall(local)) >= 3
        or (len(letters) >= 8 and len(_VOWEL.findall(letters)) * 6 < len(letters))
    )


def _mixesscripts_of(line: str, *, allowed: frozenset[str] = frozenset()) -> bool:
    if line.isascii() or len(scripts_of(line)) < 2:
        return False
    words = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in line).split()
    mixtures = (scripts for word in words if len(scripts := scripts_of(word)) > 1)
    return any(not any(map(scripts.issubset, (*_TOGETHER, allowed))) for scripts in mixtures)


def _has_many_marks(text: str) -> bool:
    text = unicodedata.normalize("NFC", text)
    categories = {c: unicodedata.category(c) for c in set(text)}
    if MARKS.isdisjoint(categories.values()):
        return False
    letters = marks = on_this_letter = 0
    for c in text:
        if categories[c] in MARKS:
            marks, on_this_letter = marks + 1, on_this_letter + 1
            if on_this_letter > MAX_MARKS_OF_SCRIPT.get(script_of(c), MAX_MARKS):
                return True
        elif categories[c] != "Cf":  # a joiner begins no new letter
            letters, on_this_letter = letters + (categories[c][0] in "LM"), 0
    return marks > max(MARKS_IN_ANY_TEXT, MAX_MARKS_PER_LETTER * letters)
