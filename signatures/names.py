"""What a name may contain: any script, one visible character, nothing that hides or reorders.

The rules of SECURITY.md S7, S8, S11 and S12. The same cleaning serves every line a signer types.
"""

import re
import unicodedata

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from fontTools.unicodedata import script

LONGEST = 200

# They carry no meaning in a name and only hide differences: soft hyphen, spaces of no width, grapheme joiner; and
# what is a letter or sign by category, and seen by nobody: Hangul fillers, Khmer inherent vowels, an empty Braille cell.
DROPPED = dict.fromkeys(map(ord, "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u200b\u2060\u2800\u3164\ufeff\uffa0\U0001d159"))
# Zero width joiner and non-joiner shape words of these scripts; anywhere else they only hide differences.
JOINERS = frozenset("\u200c\u200d")
JOINING = frozenset(
    [
        "Adlm",
        "Arab",
        "Beng",
        "Deva",
        "Gujr",
        "Guru",
        "Khmr",
        "Knda",
        "Lana",
        "Mlym",
        "Mong",
        "Mymr",
        "Nkoo",
        "Orya",
        "Phag",
        "Rohg",
        "Sinh",
        "Syrc",
        "Taml",
        "Telu",
        "Thaa",
        "Tibt",
    ]
)
VIRAMA = 9  # combining class
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
UNFIT = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
WEB_ADDRESS = re.compile(r"https?:|www\.|://|\S@\S+\.\S", re.IGNORECASE)


class NotAName(ValueError):
    """The line cannot stand as it is; `reason` tells the signer why, in their language."""

    def __init__(self, reason: str | Promise) -> None:
        super().__init__(str(reason))
        self.reason = reason


def clean_name(typed: str) -> str:
    """The name as it is stored.

    Raises:
        NotAName: when nothing is visible, it is too long, or holds what no name holds.
    """
    name = clean_line(typed, longest=LONGEST)
    if not is_visible(name):
        raise NotAName(_("Please enter a name that can be seen."))
    if WEB_ADDRESS.search(name):
        raise NotAName(_("A web or mail address is no name. Please enter the name alone."))
    if "<" in name or ">" in name:
        raise NotAName(_("A name cannot hold the signs < and >."))
    return name


def clean_line(typed: str, *, longest: int = LONGEST) -> str:
    """One line of text: NFC, white space single, no control, bidi or private character.

    Raises:
        NotAName: as for `clean_name`; an empty line is fine here.
    """
    if not (typed.isascii() and typed.isprintable()):
        _refuse_unfit(typed, allowed="\t\n\v\f\r\u0085\u2028\u2029")
        typed = unicodedata.normalize("NFC", _without_idle_joiners(typed.translate(DROPPED)))
    line = " ".join(typed.split())
    if len(line) > longest:
        raise NotAName(_("Please shorten this to %(longest)d characters.") % {"longest": longest})
    return line if is_visible(line) else ""


def clean_text(typed: str, *, longest: int) -> str:
    """Several lines of text, each as `clean_line`; at most one empty line between two.

    Raises:
        NotAName: as for `clean_line`.
    """
    lines = (clean_line(line, longest=longest) for line in typed.replace("\r\n", "\n").split("\n"))
    whole = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if len(whole) > longest:
        raise NotAName(_("Please shorten this to %(longest)d characters.") % {"longest": longest})
    return whole


def is_visible(line: str) -> bool:
    """Whether at least one character leaves a mark by itself."""
    return any(ord(c) not in DROPPED and unicodedata.category(c)[0] in "LNPS" for c in line)


def _without_idle_joiners(line: str) -> str:
    """Joiners stay between two letters of a script that uses them, and after a virama at the end of a word."""
    if JOINERS.isdisjoint(line):
        return line
    kept = [""]
    for c, following in zip(line, [*line[1:], ""], strict=True):
        if c in JOINERS:
            before = kept[-1]
            is_shaping = bool(following) and script(following) in JOINING
            ends_word = bool(before) and unicodedata.combining(before) == VIRAMA
            if not (before and script(before) in JOINING and (is_shaping or ends_word)):
                continue
        kept.append(c)
    return "".join(kept)


def _refuse_unfit(line: str, *, allowed: str) -> None:
    for c in line:
        if c in BIDI:
            raise NotAName(
                _("This holds an invisible sign that reverses the direction of writing. Please type it afresh.")
            )
        if c in allowed or c in JOINERS or ord(c) in DROPPED:
            continue
        if unicodedata.category(c) in UNFIT:
            code = f"U+{ord(c):04X}"
            raise NotAName(
                _("This holds a character that cannot be shown (%(code)s). Please remove it.") % {"code": code}
            )
