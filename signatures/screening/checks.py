"""What sends a signature to review. A flag never refuses, and never shows to the signer."""

import re
import time
import unicodedata
from collections.abc import Collection, Mapping
from functools import lru_cache

from disposable_email_domains import blocklist
from django.core import signing
from fontTools.unicodedata import script

from signatures.registries import Flag
from signatures.values.normalization import compared_words

HOUR = 60 * 60
LONGEST_AGE = 48 * HOUR  # seconds that a form may stay open in a browser, from the hour in which it was made
MIN_SECONDS = 3  # seconds in which nobody reads and types
HUMAN_SECONDS = 8  # seconds in which a hand with all its habits of the keyboard can fill the form in
LONGEST_NUMBER = 3  # digits in a row, other than a year, that people rarely put into the name of a mailbox
SHORTEST = 20  # letters of a comment that two people do not write alike by chance; a Han character is worth three
MARKS = frozenset({"Mn", "Me"})
MOST_MARKS = 3  # on one letter: Hebrew with cantillation has as many, after NFC (SECURITY.md F12)
# These write what others put beside a letter above and below it: ལཀྵྨཱི, ညှို့. Zalgo made of them mixes scripts.
MOST_OF_SCRIPT = {"Tibt": 5, "Mymr": 5, "Lana": 5}
MOST_PER_LETTER = 2  # on the average of a text; a single word may have some more
FEW_MARKS = 6


class _ByTheHour(signing.TimestampSigner):
    """All forms of one hour are alike, so that who has the page already is not sent it again."""

    def timestamp(self) -> str:
        return signing.b62_encode(int(time.time()) // HOUR * HOUR)


_stamps = _ByTheHour(salt="signatures.form")
_LINK = re.compile(
    r"https?:|\bwww\s*\.|://|\bt\.me/|\bdot com\b"
    r"|\b[\w-]{1,63}\.(com|net|org|info|biz|io|cn|ru|kr|top|xyz|shop|site|link)\b",
    re.IGNORECASE,
)
# Scripts that are written together in one word: Japanese, Korean and Chinese take Han characters.
_TOGETHER = ({"Hani", "Hira", "Kana"}, {"Hani", "Hang"}, {"Hani", "Bopo"})
_WITH_LATIN = frozenset({"Latn", "Hani", "Hira", "Kana", "Hang"})  # in the names of firms: LG전자, JR東日本
_OF_ALL = {"Zyyy", "Zinh", "Zzzz"}
_script = lru_cache(maxsize=8192)(script)


def form_stamp() -> str:
    """The hour in which a form is made, signed."""
    return _stamps.sign("form")


def flags(
    words: Mapping[str, str],
    *,
    trap: str = "",
    stamp: str | None = None,
    seconds: int | None = None,
    mailbox: str = "",
    domains: Collection[str] = (),
    protected_names: Collection[str] = (),
    organization: bool = False,
) -> list[str]:
    """Why a person should look at these words; sorted, empty for most.

    Args:
        words: name, role, organization, spokesperson, comment.
        trap: what stood in the field that people do not see.
        stamp: what `stamp()` gave to the form; None where the form has none.
        seconds: how long the form was open; None where no script told.
        mailbox: the local part of its address.
        domains: those of the mailbox, as `mailboxes.domains_of` gives them.
        protected_names: names that a troll would like to sign with, such as the recipient's.
        organization: whether an organization signs, for which somebody has to speak.
    """
    name, *beside = lines = [words.get(field, "") for field in ("name", "role", "organization")]
    comment, spokesperson = words.get("comment", ""), words.get("spokesperson", "")
    found = {
        Flag.TRAP: bool(trap),
        Flag.STALE_FORM: stamp is not None and not _is_fresh(stamp),
        Flag.FAST: seconds is not None and seconds < MIN_SECONDS,
        Flag.SCRIPT_MIX: _mixes_scripts(name) or any(_mixes_scripts(line, fine=_WITH_LATIN) for line in beside),
        Flag.MARKS: any(map(_has_many_marks, [*lines, spokesperson, comment])),
        Flag.LINK: any(map(_LINK.search, [*beside, spokesperson, comment])),
        Flag.DISPOSABLE: not blocklist.isdisjoint(domains),
        Flag.PROTECTED_NAME: _is_of(name, protected_names),
        Flag.ORGANIZATION: organization,
        Flag.NO_SPOKESPERSON: organization and not spokesperson,
        Flag.MACHINE: bool(mailbox) and not is_human_speed(seconds) and _is_of_a_machine(mailbox),
    }
    return sorted(flag for flag, is_raised in found.items() if is_raised)


def is_human_speed(seconds: int | None) -> bool:
    """Whether script told that the form was open for as long as a hand needs. By itself the contrary means nothing."""
    return seconds is not None and seconds >= HUMAN_SECONDS


def text_key(text: str) -> str:
    """What a text has in common with others made from it by numbers, case, accents and punctuation."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text).casefold() if unicodedata.category(c)[0] == "L")
    return unicodedata.normalize("NFC", plain)


def comment_key(comment: str) -> str:
    """The pattern of a comment; nothing for one so short that many write it by chance."""
    found = text_key(comment)
    return found if sum(3 if c >= "\u2e80" else 1 for c in found) >= SHORTEST else ""


def _is_of_a_machine(mailbox: str) -> bool:
    """Whether a mailbox has a long number that is no year, or letters and digits again and again, or hardly a vowel."""
    local = mailbox.partition("+")[0].lower()
    numbers = re.findall(r"\d+", local)
    letters = re.sub(r"[^a-z]", "", local)
    return (
        (bool(letters) and any(len(n) >= LONGEST_NUMBER and not re.fullmatch(r"(19|20)\d\d", n) for n in numbers))
        or len(re.findall(r"(?<=[a-z])\d|(?<=\d)[a-z]", local)) >= 3
        or (len(letters) >= 8 and len(re.findall(r"[aeiouy]", letters)) * 6 < len(letters))
    )


def _is_fresh(stamp: str) -> bool:
    try:
        _stamps.unsign(stamp, max_age=LONGEST_AGE)
    except signing.BadSignature:
        return False
    return True


def _mixes_scripts(line: str, *, fine: frozenset[str] = frozenset()) -> bool:
    if line.isascii() or len(_scripts(line)) < 2:
        return False
    words = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in line).split()
    return any(len(found := _scripts(word)) > 1 and not any(map(found.issubset, (*_TOGETHER, fine))) for word in words)


def _scripts(line: str) -> set[str]:
    return {_script(c) for c in line} - _OF_ALL


def _has_many_marks(text: str) -> bool:
    text = unicodedata.normalize("NFC", text)
    kinds = {c: unicodedata.category(c) for c in set(text)}
    if MARKS.isdisjoint(kinds.values()):
        return False
    letters = marks = run = 0
    for c in text:
        if kinds[c] in MARKS:
            marks, run = marks + 1, run + 1
            if run > MOST_OF_SCRIPT.get(_script(c), MOST_MARKS):
                return True
        elif kinds[c] != "Cf":  # a joiner begins no new letter
            letters, run = letters + (kinds[c][0] in "LM"), 0
    return marks > max(FEW_MARKS, MOST_PER_LETTER * letters)


def _is_of(name: str, protected_names: Collection[str]) -> bool:
    wanted = "".join(compared_words(name))
    return bool(wanted) and any(wanted in _names_of(figure) for figure in protected_names)


@lru_cache(maxsize=1024)
def _names_of(figure: str) -> frozenset[str]:
    """What one could sign with to pass for this figure: all words, or at least two in a row, without their spaces.

    Of Chinese, Japanese and Korean names one word is the whole, once it is three characters long.
    """
    words = compared_words(figure)
    runs = {"".join(words[i:j]) for i in range(len(words)) for j in range(i + 2, len(words) + 1)}
    whole = {word for word in words if len(word) > 2 and set() < _scripts(word) <= {"Hani", "Hang", "Hira", "Kana"}}
    return frozenset({*runs, *whole, "".join(words)})
