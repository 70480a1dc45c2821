"""What sends a signature to review. A flag never refuses, and never shows to the signer."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping

from disposable_email_domains import blocklist
from django.core import signing
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from fontTools.unicodedata import script

# To staff, in plain words. What the limits and the verbs add to our own flags stands here, too.
SENTENCES: Mapping[str, str | Promise] = {
    "trap": _("The field that people do not see was filled in."),
    "stale-form": _("The form was made up, or older than two days."),
    "fast": _("The form was sent within three seconds."),
    "script-mix": _("Letters of several scripts stand inside one word."),
    "marks": _("One letter carries more marks than any writing needs."),
    "link": _("There is a web address in role, organisation or comment."),
    "disposable": _("The mail domain is one of throw-away mailboxes."),
    "figure": _("It is the name of the recipient or of an original signatory."),
    "rate": _("Too many sign-ups came at once from one network, with one mail domain, or on the whole site."),
    "similar": _("The same name and country came again and again."),
    "limiter-down": _("The limits could not be asked."),
    "rejected-before": _("It was not accepted before, and its signer changed the words."),
}
OF_WORDS = frozenset({"link", "script-mix", "marks", "figure", "similar"})  # flags that go when the words change
LONGEST_AGE = 48 * 60 * 60  # seconds that a form may stay open in a browser
FASTEST = 3  # seconds in which nobody reads and types
MOST_MARKS = 3  # on one letter: Hebrew with cantillation and Tibetan need them (SECURITY.md F12)

_stamps = signing.TimestampSigner(salt="signatures.form")
_LINK = re.compile(
    r"https?:|www\.|://|\b[\w-]+\.(com|net|org|info|biz|io|cn|ru|kr|top|xyz|shop|site|link)\b", re.IGNORECASE
)
# Scripts that are written together in one word: Japanese, Korean and Chinese take Han characters.
_TOGETHER = ({"Hani", "Hira", "Kana"}, {"Hani", "Hang"}, {"Hani", "Bopo"})
_OF_ALL = {"Zyyy", "Zinh", "Zzzz"}


def stamp() -> str:
    """The moment at which a form is made, signed."""
    return _stamps.sign("form")


def flags(
    words: Mapping[str, str],
    *,
    trap: str = "",
    stamp: str | None = None,
    seconds: int | None = None,
    domain: str = "",
    figures: Collection[str] = (),
) -> list[str]:
    """Why a person should look at these words; sorted, empty for most.

    Args:
        words: name, role, organisation, comment.
        trap: what stood in the field that people do not see.
        stamp: what `stamp()` gave to the form; None where the form has none.
        seconds: how long the form was open; None where no script told.
        domain: that of the mailbox, as `mailboxes.domain_of` gives it.
        figures: names that a troll would like to sign with, such as the recipient's.
    """
    lines = [words.get(field, "") for field in ("name", "role", "organisation")]
    further = [*lines[1:], words.get("comment", "")]
    found = {
        "trap": bool(trap),
        "stale-form": stamp is not None and not _is_fresh(stamp),
        "fast": seconds is not None and seconds < FASTEST,
        "script-mix": any(_mixes_scripts(line) for line in lines),
        "marks": any(_has_many_marks(text) for text in [lines[0], *further]),
        "link": any(_LINK.search(text) for text in further),
        "disposable": any(parent in blocklist for parent in _parents(domain)),
        "figure": _is_of(lines[0], figures),
    }
    return sorted(flag for flag, is_raised in found.items() if is_raised)


def _is_fresh(stamp: str) -> bool:
    try:
        _stamps.unsign(stamp, max_age=LONGEST_AGE)
    except signing.BadSignature:
        return False
    return True


def _mixes_scripts(line: str) -> bool:
    if line.isascii():
        return False
    for word in re.split(r"[\W\d_]+", line):
        scripts = {script(c) for c in word} - _OF_ALL
        if len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER):
            return True
    return False


def _has_many_marks(text: str) -> bool:
    if text.isascii():
        return False
    run = 0
    for c in unicodedata.normalize("NFC", text):
        run = run + 1 if unicodedata.category(c) in {"Mn", "Me"} else 0
        if run > MOST_MARKS:
            return True
    return False


def _parents(domain: str) -> Iterator[str]:
    """The domain and those it is part of."""
    while "." in domain:
        yield domain
        domain = domain.partition(".")[2]


def _is_of(name: str, figures: Collection[str]) -> bool:
    """Whether it is one of these names, or at least two words of one in a row."""
    wanted = f" {_fold(name)} "
    return any(
        wanted == (whole := f" {_fold(figure)} ") or (wanted.count(" ") > 2 and wanted in whole)
        for figure in figures
        if wanted.strip()
    )


def _fold(name: str) -> str:
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", name).casefold()))
