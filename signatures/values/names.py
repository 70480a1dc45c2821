"""What a name may contain: any script, one visible character, nothing that hides or reorders.

The rules of SECURITY.md S7, S8 and S12. The same cleaning serves every line a signer types.
"""

import re
import unicodedata

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from fontTools.unicodedata import script, script_extension

from signatures.values.normalization import strip_accents

MAX_LENGTH = 200
SORT_KEY = 100  # characters of a name that decide its place
SCRIPTS = (
    "Latn", "Grek", "Cyrl", "Armn", "Geor", "Hebr", "Arab", "Syrc", "Thaa", "Ethi", "Deva", "Beng", "Guru", "Gujr",
    "Orya", "Taml", "Telu", "Knda", "Mlym", "Sinh", "Thai", "Laoo", "Tibt", "Mymr", "Khmr", "Mong", "Hang", "Hira",
    "Kana", "Bopo", "Hani",
)  # fmt: skip
INPUT_FACTOR = (
    10  # what is typed may be so many times longer: decomposed, with spaces to squeeze. Beyond, nobody reads it
)

BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
BROKEN = "\ufffc\ufffd"  # what programs put where a character was lost
# Letters by category, yet nothing is seen: fillers of Hangul, inherent vowels of Khmer.
FILLERS = "\u115f\u1160\u17b4\u17b5\u3164\uffa0"
# The empty Braille cell, blanks between hieroglyphs, a note without head: they keep their place, but are no name.
BLANK = frozenset(FILLERS + "\u2800\U00013441\U00013442\U0001d159")
# Soft hyphen, grapheme joiner, zero-width space, word joiner, BOM: without meaning in a name, they hide differences.
DROPPED = frozenset(FILLERS + "\u00ad\u034f\u200b\u2060\ufeff")
# White space becomes one space. These are such by their use, and controls or separators by their category.
BREAKS = "\t\n\v\f\r\u0085\u2028\u2029"

# Unseen, too, but they choose the shape of the letter before them, or whether it joins the one behind.
JOINERS = frozenset("\u200c\u200d")
MONGOLIAN = frozenset(map(chr, range(0x180B, 0x1810)))
VARIATIONS = frozenset(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
SHAPERS = JOINERS | MONGOLIAN | VARIATIONS
JOINING = frozenset(
    {
        "Adlm", "Arab", "Bali", "Beng", "Bugi", "Cakm", "Cham", "Deva", "Gran", "Gujr", "Guru", "Java", "Khmr", "Knda",
        "Kthi", "Lana", "Lepc", "Mand", "Mani", "Mlym", "Mong", "Mtei", "Mymr", "Newa", "Nkoo", "Orya", "Phag", "Rohg",
        "Saur", "Sinh", "Sund", "Sylo", "Syrc", "Taml", "Telu", "Tibt", "Tirh",
    }
)  # fmt: skip
VARYING = frozenset({"Hani", "Mong", "Mymr", "Phag"})  # Japanese family names need them: one 葛, two shapes

_DROPPED = re.compile(f"[{''.join(DROPPED)}]")
_SHAPERS = re.compile("[\u180b-\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]+")  # as ranges it is fast
_PASSING = frozenset(BREAKS) | DROPPED | SHAPERS
FORBIDDEN = {
    "bidi": _("This holds an invisible sign that reverses the direction of writing (%(code)s). Please type it afresh."),
    "tag": _("This holds an invisible tag (%(code)s). Please type it afresh."),
    "broken": _("A character broke on its way here (%(code)s). Please type it afresh."),
    "Cs": _("This holds half a character (%(code)s). Please type it afresh."),
    "Cc": _("This holds a control character (%(code)s). Please remove it."),
    "Cf": _("This holds an invisible character (%(code)s). Please type it afresh."),
    "Co": _("This holds a character that looks different on every device (%(code)s). Please write it in another way."),
    "Cn": _("This holds a character that does not exist (%(code)s). Please remove it."),
}
_WEB_ADDRESS = re.compile(r"https?:|\bwww\.|://|\S@\S+\.\S", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|[\n\r\u0085\u2028\u2029]")


class InvalidName(ValueError):
    """The line cannot stand as it is; `reason` tells the signer why, in their language."""

    def __init__(self, reason: str | Promise) -> None:
        super().__init__(str(reason))
        self.reason = reason


def clean_name(typed: str) -> str:
    """The name as it is stored.

    Raises:
        NotAName: when nothing is visible, it is too long, or holds what no name holds.
    """
    name = clean_line(typed)
    if not name:
        raise InvalidName(_("Please enter a name that can be seen."))
    seen = unicodedata.normalize("NFKC", name)  # full-width signs, too
    if _WEB_ADDRESS.search(seen):
        raise InvalidName(_("A web or email address is no name. Please enter the name alone."))
    if "<" in seen or ">" in seen:
        raise InvalidName(_("A name cannot hold the signs < and >."))
    return name


def clean_line(typed: str, *, longest: int = MAX_LENGTH) -> str:
    """One line of text in NFC, white space single; empty when nothing can be seen.

    Raises:
        NotAName: when it is too long, or holds what nobody types: controls, bidi signs, private or unknown characters.
    """
    _refuse_longer(typed, longest * INPUT_FACTOR, told=longest)
    _refuse_unfit(typed)
    line = " ".join((typed if typed.isascii() else _compose(typed)).split())
    _refuse_longer(line, longest, told=longest)
    return line if is_visible(line) else ""


def clean_text(typed: str, *, longest: int) -> str:
    """Several lines of text, each as `clean_line`; at most one empty line between two.

    Raises:
        NotAName: as for `clean_line`.
    """
    _refuse_longer(typed, longest * INPUT_FACTOR, told=longest)
    lines = (clean_line(line, longest=longest) for line in _LINE_END.split(typed))
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    _refuse_longer(text, longest, told=longest)
    return text


def is_visible(line: str) -> bool:
    """Whether at least one character leaves a mark by itself. An accent alone does not: it needs a letter."""
    return any(unicodedata.category(c)[0] in "LNPS" and c not in BLANK for c in line)


def _compose(typed: str) -> str:
    """NFC, without what does nothing where it stands."""
    line = unicodedata.normalize("NFC", _DROPPED.sub("", typed))
    if not _SHAPERS.search(line):
        return line
    # Composed again, for what is dropped may have stood between a letter and its mark.
    line = unicodedata.normalize("NFC", _SHAPERS.sub(_shapers_in_place, line))
    if _SHAPERS.sub(_shapers_in_place, line) == line:
        return line
    return unicodedata.normalize("NFC", _SHAPERS.sub("", line))  # a tangle that no writing makes


def _shapers_in_place(found: re.Match[str]) -> str:
    """Of these neighbors, those that do something where they stand, each once."""
    line, run = found.string, found[0]
    before, behind = line[found.start() - 1 : found.start()], line[found.end() : found.end() + 1]
    scripts = _scripts(before)
    fit: set[str] = set()
    # A virama takes a joiner at the end of a word, too: that is how Malayalam was written for decades.
    if scripts & JOINING and (unicodedata.combining(before) == 9 or _scripts(behind) & JOINING):
        fit |= JOINERS
    if "Mong" in scripts:
        fit |= MONGOLIAN
    if scripts & VARYING:
        fit |= VARIATIONS & {run[0]}
    return "".join(c for c in dict.fromkeys(run) if c in fit)


def _scripts(c: str) -> set[str]:
    """The scripts that a letter or a mark belongs to; none for all else, and for no character."""
    return script_extension(c) if c and unicodedata.category(c)[0] in "LM" else set()


def _refuse_longer(line: str, limit: int, *, told: int) -> None:
    if len(line) > limit:
        raise InvalidName(_("Please shorten this to %(longest)d characters.") % {"longest": told})


def _refuse_unfit(line: str) -> None:
    if line.isprintable() and not any(c in line for c in BROKEN):
        return  # nearly every line: no need to look at each character
    for c in line:
        if c not in _PASSING and (reason := FORBIDDEN.get(_kind(c))):
            raise InvalidName(reason % {"code": f"U+{ord(c):04X}"})


def _kind(c: str) -> str:
    if c in BIDI:
        return "bidi"
    if c in BROKEN:
        return "broken"
    return "tag" if "\U000e0000" <= c <= "\U000e007f" else unicodedata.category(c)


def sort_key(name: str) -> str:
    """A name's place among all: by script, then letter by letter without case and accents, compared by code point.

    PostgreSQL's own orders depend on how it was built; this one is the same everywhere (DESIGN.md, "Traps").
    """
    if not name:
        return ""
    letters = re.sub(r"^\W+", "", strip_accents(name.casefold()))
    return f"{_rank(letters[:1] or name[:1]):02d} {letters}"[:SORT_KEY]


def script_of(name: str) -> str:
    """The script under which a name is sorted: four letters of ISO 15924, or "" for none of those in `SCRIPTS`."""
    rank = int(sort_key(name)[:2] or 99)
    return SCRIPTS[rank] if rank < len(SCRIPTS) else ""


def _rank(char: str) -> int:
    found = script(char) if char else ""
    return SCRIPTS.index(found) if found in SCRIPTS else 99
