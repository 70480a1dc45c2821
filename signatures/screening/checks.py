"""Risk checks: what in a submission sends it to review. A flag never refuses anything, and no signer sees it."""

import unicodedata
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import NamedTuple

from disposable_email_domains import blocklist
from fontTools.unicodedata import script

from campaign.runtime.regular_expressions import IGNORECASE, linear
from signatures.registries import Flag
from signatures.registries.typed_fields import DELIVERED, WORDS
from signatures.values import csv_cells, email_addresses, form_stamps
from signatures.values.normalization import compared_words

MIN_SECONDS = 3  # in which nobody reads the form and fills it in
HUMAN_SECONDS = 8  # in which a person who is quick at the keyboard can fill it in
MAX_DIGITS = 3  # in a row, other than a year, that people rarely put into the name of a mailbox
MIN_DOMAIN = 3  # letters of a domain before its end; shorter ones are rarely more than initials
MIN_COMMENT_LENGTH = 20  # letters of a comment that two people do not write alike by chance; a Han character is three
MARKS = frozenset({"Mn", "Me"})
MAX_MARKS = 3  # on one letter: Hebrew with cantillation has as many, after NFC (threat model F12)
# These scripts write above and below a letter what others write beside it: ལཀྵྨཱི, ညှို့. Zalgo made of them mixes scripts.
MAX_MARKS_OF_SCRIPT = {"Tibt": 5, "Mymr": 5, "Lana": 5}
MAX_MARKS_PER_LETTER = 2  # on the average of a text
MARKS_IN_ANY_TEXT = 6  # so many are fine, whatever the average of a single word is

_LINK = linear(
    r"https?:|\bwww\s*\.|://|\bt\.me/|\bdot com\b"
    r"|\w\.(com|net|org|info|biz|io|cn|ru|kr|top|xyz|shop|site|link)\b",
    IGNORECASE,
)
# One space at most: what is typed has no two in a row.
_BRACKETED_DOT = linear(r"\s?[\[({]\s?(?:\.|dot)\s?[\])}]\s?", IGNORECASE)
_WORD_DOT = linear(r"\sdot\s", IGNORECASE)
_HOST = linear(r"(?<![\w-])[\w-]+(?:\.[\w-]+)+")
_NUMBER, _YEAR, _NO_LETTER, _VOWEL = linear(r"\d+"), linear(r"(19|20)\d\d"), linear(r"[^a-z]"), linear(r"[aeiouy]")
_LETTER_BESIDE_DIGIT = linear(r"(?<=[a-z])\d|(?<=\d)[a-z]")
# Scripts that are written together in one word: Japanese, Korean and Chinese take Han characters.
_TOGETHER = ({"Hani", "Hira", "Kana"}, {"Hani", "Hang"}, {"Hani", "Bopo"})
_WITH_LATIN = frozenset({"Latn", "Hani", "Hira", "Kana", "Hang"})  # in the names of firms: LG전자, JR東日本
_OF_ALL = {"Zyyy", "Zinh", "Zzzz"}
_BESIDE_NAME = [word for word in WORDS if word != "name"]
_SHOWN_BESIDE_NAME = [word for word in _BESIDE_NAME if word in DELIVERED]
_script = lru_cache(maxsize=8192)(script)


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
        Flag.SCRIPT_MIX: _mixes_scripts(name) or any(_mixes_scripts(line, allowed=_WITH_LATIN) for line in shown),
        Flag.MARKS: any(map(_has_many_marks, [name, *beside])),
        Flag.FORMULA: "@" in unicodedata.normalize("NFKC", name) or csv_cells.guard(name) != name,
        Flag.LINK: _has_link(name, of_organization=organization, any_domain=True)
        or any(_has_link(typed.get(word, ""), of_organization=word == "organization") for word in _BESIDE_NAME),
        Flag.PROTECTED_NAME: _is_protected(name, protected_names, is_person=not organization),
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


def _mixes_scripts(line: str, *, allowed: frozenset[str] = frozenset()) -> bool:
    if line.isascii() or len(_scripts(line)) < 2:
        return False
    words = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in line).split()
    mixtures = (scripts for word in words if len(scripts := _scripts(word)) > 1)
    return any(not any(map(scripts.issubset, (*_TOGETHER, allowed))) for scripts in mixtures)


def _scripts(line: str) -> set[str]:
    return {_script(c) for c in line} - _OF_ALL


def _has_many_marks(text: str) -> bool:
    text = unicodedata.normalize("NFC", text)
    categories = {c: unicodedata.category(c) for c in set(text)}
    if MARKS.isdisjoint(categories.values()):
        return False
    letters = marks = on_this_letter = 0
    for c in text:
        if categories[c] in MARKS:
            marks, on_this_letter = marks + 1, on_this_letter + 1
            if on_this_letter > MAX_MARKS_OF_SCRIPT.get(_script(c), MAX_MARKS):
                return True
        elif categories[c] != "Cf":  # a joiner begins no new letter
            letters, on_this_letter = letters + (categories[c][0] in "LM"), 0
    return marks > max(MARKS_IN_ANY_TEXT, MAX_MARKS_PER_LETTER * letters)


def _has_link(line: str, *, of_organization: bool, any_domain: bool = False) -> bool:
    """Returns whether a line has a web address. Some organizations are called by theirs: it stands first then.

    With `any_domain` each domain of the world counts: in a name, but not in a text, where people forget the space after
    a full stop. Nobody forgets brackets around a dot: example[.]com.
    """
    first, _space, rest = line.partition(" ")
    is_called_so = (
        of_organization and not first.startswith("www.") and first.replace(".", "").replace("-", "").isalnum()
    )
    looked_at = rest if is_called_so else line
    unbracketed = _BRACKETED_DOT.sub(".", looked_at)
    plain = _WORD_DOT.sub(".", unbracketed)
    hosts = _HOST.findall(plain if any_domain else unbracketed)
    return bool(_LINK.search(plain)) or any(_is_domain(host) for host in hosts if any_domain or host not in looked_at)


def _is_domain(host: str) -> bool:
    """Returns whether this is a domain, and not initials and a name without a space (`A.Li`, `J.Black`, `M.Sc`)."""
    registered = email_addresses.registered_part(host.lower()).partition(".")[0]
    is_typed_so = host.isupper() or host.rpartition(".")[2] == host.rpartition(".")[2].lower()
    return is_typed_so and len(registered) >= (MIN_DOMAIN if host.isascii() else 2)


def _is_protected(name: str, protected_names: Collection[str], *, is_person: bool) -> bool:
    words = compared_words(name)
    joined = "".join(words)
    if not joined:
        return False
    protected = _protected(tuple(protected_names))
    return joined in protected.spellings or (is_person and _has_person(frozenset(words), protected))


def _has_person(words: frozenset[str], protected: "_Protected") -> bool:
    """Returns whether the words of a name have those of a protected person: in any order, with titles or brackets."""
    return any(person <= words for person in protected.people) or any(
        word in whole or whole in word for whole in protected.whole_names for word in words if len(word) > 2
    )


class _Protected(NamedTuple):
    """Protected names as others are compared with them."""

    spellings: frozenset[str]
    people: frozenset[frozenset[str]]
    whole_names: frozenset[str]


@lru_cache(maxsize=64)
def _protected(names: tuple[str, ...]) -> _Protected:
    """Returns the names of one letter, prepared: every submission is compared with all of them."""
    return _Protected(
        frozenset().union(*map(_spellings, names)),
        frozenset().union(*map(_people_in, names)),
        frozenset().union(*map(_whole_names, names)),
    )


def _people_in(protected: str) -> tuple[frozenset[str], ...]:
    """Returns the words of the people whom a line may name: its capitalized words in a row, with or without the first.

    The first ones may be titles, the last ones hardly. A word in lower case is no part of a name.
    """
    runs: list[list[str]] = [[]]
    for word in protected.split():
        if word[:1].islower():
            runs.append([])
        else:
            runs[-1] += compared_words(word)
    return tuple(frozenset(run[start:]) for run in runs for start in range(len(run) - 1))


def _spellings(protected: str) -> frozenset[str]:
    """Returns the names that pass for a protected one, without spaces: all its words, or at least two in a row.

    In Chinese, Japanese and Korean one word of three characters or more is a whole name.
    """
    words = compared_words(protected)
    runs = {"".join(words[i:j]) for i in range(len(words)) for j in range(i + 2, len(words) + 1)}
    return frozenset({*runs, *_whole_names(protected), "".join(words)})


def _whole_names(protected: str) -> frozenset[str]:
    whole = {"Hani", "Hang", "Hira", "Kana"}
    return frozenset(word for word in compared_words(protected) if len(word) > 2 and set() < _scripts(word) <= whole)
