"""What a name may contain: any script, at least one visible character, nothing that hides or reorders others.

The rules are those of threat model S7, S8 and S12. Every line that a signer types is cleaned by them.
"""

import unicodedata
from functools import cache

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from fontTools.unicodedata import script, script_extension

from campaign.runtime.regular_expressions import IGNORECASE, Match, linear
from signatures.registries.typed_fields import MAX_LENGTHS
from signatures.values.normalization import name_key, normalize_for_search, search_text

MAX_LENGTH = MAX_LENGTHS["name"]
SORT_KEY = 100  # characters of a name that decide its place
SCRIPTS = (
    "Latn", "Grek", "Cyrl", "Armn", "Geor", "Hebr", "Arab", "Syrc", "Thaa", "Ethi", "Deva", "Beng", "Guru", "Gujr",
    "Orya", "Taml", "Telu", "Knda", "Mlym", "Sinh", "Thai", "Laoo", "Tibt", "Mymr", "Khmr", "Mong", "Hang", "Hira",
    "Kana", "Bopo", "Hani",
)  # fmt: skip
# What is typed may be so many times longer than what is stored: decomposed letters, repeated spaces. Longer text is
# refused before it is cleaned.
INPUT_FACTOR = 10

BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
BROKEN = "\ufffc\ufffd"  # programs put these where a character was lost
# Letters by category, yet invisible: fillers of Hangul, inherent vowels of Khmer.
FILLERS = "\u115f\u1160\u17b4\u17b5\u3164\uffa0"
# The empty Braille cell, blanks between hieroglyphs, a note without a head: kept in a name, but no name by themselves.
BLANK = frozenset(FILLERS + "\u2800\U00013441\U00013442\U0001d159")
# Soft hyphen, grapheme joiner, zero-width space, word joiner, BOM: meaningless in a name, they only hide differences.
DROPPED = frozenset(FILLERS + "\u00ad\u034f\u200b\u2060\ufeff")
# What right-to-left keyboards, password managers, address books and files leave around a line: marks, and pairs that
# embed or isolate all of it, or one of such a pair. An override is never dropped: it reverses letters.
_EDGES = "".join(DROPPED) + "\u061c\u200e\u200f \t\r\n\u00a0\u3000"
_PAIRS = dict.fromkeys("\u202a\u202b", "\u202c") | dict.fromkeys("\u2066\u2067\u2068", "\u2069")
_LEFT_BEHIND = frozenset({*_PAIRS, *_PAIRS.values()})
# White space by use, though controls or separators by category. All white space becomes one space.
BREAKS = "\t\n\v\f\r\u0085\u2028\u2029"

# Invisible, too, but they choose the shape of the letter before them, or whether it joins the letter after it.
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
FIRST_OF_OWN_SHAPE = 0xFA10  # most before it are one shape that a Korean standard listed for each of its sounds
VARYING = frozenset({"Hani", "Mong", "Mymr", "Phag"})  # Japanese family names need them: one 葛, two shapes

_EMOJI_VARIATION = "\ufe0f"

_DROPPED = linear(f"[{''.join(sorted(DROPPED))}]")
_SHAPERS = linear("[\u180b-\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]+")  # as ranges it is fast
_ALLOWED = frozenset(BREAKS) | DROPPED | SHAPERS
FORBIDDEN = {
    "bidi": _(
        "This contains an invisible character that reverses the direction of writing (%(code)s). Please retype it."
    ),
    "tag": _("This contains an invisible tag (%(code)s). Please retype it."),
    "broken": _("A character was damaged on its way here (%(code)s). Please retype it."),
    "Cs": _("This contains half a character (%(code)s). Please retype it."),
    "Cc": _("This contains a control character (%(code)s). Please remove it."),
    "Cf": _("This contains an invisible character (%(code)s). Please retype it."),
    "Co": _("This contains a character that looks different on every device (%(code)s). Please write it another way."),
    "Cn": _("This contains a character that does not exist (%(code)s). Please remove it."),
}
# A handle (@ada.example, @ada@example.org) has no name before its first @.
_WEB_ADDRESS = linear(r"https?:|\bwww\.|://|(?<![\w.+%@-])[\w.+%-]++@[^\s@]+\.\S", IGNORECASE)
_LINE_END = linear(r"\r\n|[\n\r\u0085\u2028\u2029]")
_EMPTY_LINES, _SIGNS_BEFORE = linear(r"\n{3,}"), linear(r"^\W+")
_AFTER_RANK = 3  # the place in a sort key at which the letters begin


class InvalidName(ValueError):
    """The line cannot be stored; `reason` says to the signer why, in their language."""

    def __init__(self, reason: str | Promise) -> None:
        super().__init__(str(reason))
        self.reason = reason


def clean_name(typed: str) -> str:
    """Returns the name as it is stored.

    Raises:
        InvalidName: when nothing is visible, it is too long, or holds what no name holds.
    """
    name = clean_line(typed)
    if not name:
        raise InvalidName(_("Please enter a name that can be seen."))
    compatible = unicodedata.normalize("NFKC", name)  # full-width signs, too
    if _WEB_ADDRESS.search(compatible):
        raise InvalidName(_("A web or email address is not a name. Please enter only the name."))
    if "<" in compatible or ">" in compatible:
        raise InvalidName(_("A name cannot contain < or >."))
    return name


def clean_line(typed: str, *, longest: int = MAX_LENGTH) -> str:
    """Returns one line of text in NFC with single spaces; empty when nothing in it is visible.

    Raises:
        InvalidName: when it is longer than `longest` characters, or holds what nobody types: controls, signs that
            reverse the direction, private or unknown characters.
    """
    _check_length(typed, longest, factor=INPUT_FACTOR)
    line = typed if typed.isascii() else _without_edges(typed)
    _check_characters(line)
    line = " ".join((line if line.isascii() else _compose(line)).split())
    _check_length(line, longest)
    return line if is_visible(line) else ""


def clean_text(typed: str, *, longest: int) -> str:
    """Returns several lines of text, each cleaned by `clean_line`, with at most one empty line between two.

    Raises:
        InvalidName: as for `clean_line`.
    """
    _check_length(typed, longest, factor=INPUT_FACTOR)
    lines = (clean_line(line, longest=longest) for line in _LINE_END.split(typed))
    text = _EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip()
    _check_length(text, longest)
    return text


def is_visible(line: str) -> bool:
    """Returns whether at least one character is visible by itself. An accent alone is not: it needs a letter."""
    return any(unicodedata.category(c)[0] in "LNPS" and c not in BLANK for c in line)


def _without_edges(typed: str) -> str:
    line = typed.strip(_EDGES)
    while _PAIRS.get(line[:1]) == line[-1:]:
        line = line[1:-1].strip(_EDGES)
    alone = BIDI.intersection(line)
    if len(alone) == 1 and alone <= _LEFT_BEHIND:
        line = line.strip("".join(alone) + _EDGES)
    return line


def _compose(typed: str) -> str:
    """Returns the line in NFC without invisible characters, except shapers that have an effect where they are."""
    line = unicodedata.normalize("NFC", _DROPPED.sub("", typed).translate(_shapes()))
    if not _SHAPERS.search(line):
        return line
    shaped = _drop_idle_shapers(line)
    if _drop_idle_shapers(shaped) == shaped:
        return shaped
    return _drop_idle_shapers(shaped, keep_none=True)  # a tangle that occurs in no writing


@cache
def _shapes() -> dict[int, str]:
    """Returns the standardized variation sequence of each compatibility ideograph that has a shape of its own.

    NFC puts the usual shape in its place, and family names are told apart by it. The sequences of a character are
    numbered by the code points of its compatibility ideographs (StandardizedVariants.txt of Unicode).
    """
    variants: dict[str, int] = {}
    found = {}
    for code in (*range(0xF900, 0xFB00), *range(0x2F800, 0x2FA20)):
        usual = unicodedata.normalize("NFC", chr(code))
        if usual != chr(code):
            variants[usual] = number = variants.get(usual, -1) + 1
            if code >= FIRST_OF_OWN_SHAPE or _is_japanese(chr(code)):
                found[code] = f"{usual}{chr(0xFE00 + number)}"
    return found


def _is_japanese(c: str) -> bool:
    """Returns whether JIS X 0213 has the character. It lists no shape twice, so it has one of its own."""
    return bool(c.encode("shift_jisx0213", "ignore"))


def _drop_idle_shapers(line: str, *, keep_none: bool = False) -> str:
    """Returns the line without the shapers that have no effect (without any, if `keep_none`).

    It is composed again, because a dropped character may have separated a letter from its accent.
    """
    return unicodedata.normalize("NFC", _SHAPERS.sub("" if keep_none else _effective_shapers, line))


def _effective_shapers(run: Match[str]) -> str:
    """Returns those shapers of a run of neighbors that have an effect between the two letters around it, each once."""
    before, after = run.string[run.start() - 1 : run.start()], run.string[run.end() : run.end() + 1]
    scripts = _scripts(before)
    # A virama takes a joiner at the end of a word, too: Malayalam was written so for decades.
    can_join = scripts & JOINING and (unicodedata.combining(before) == 9 or _scripts(after) & JOINING)
    effective = {
        *(JOINERS if can_join else ()),
        *(MONGOLIAN if "Mong" in scripts else ()),
        *(VARIATIONS & {run[0][0]} if scripts & VARYING else ()),
        *({_EMOJI_VARIATION} & {run[0][0]} if _is_pictograph(before) else ()),
        *("\u200d" if _is_pictograph(before) and _is_pictograph(after) else ()),
    }
    return "".join(c for c in dict.fromkeys(run[0]) if c in effective)


def _is_pictograph(c: str) -> bool:
    """Returns whether a character may be part of an emoji of several."""
    return c >= "\u2190" and unicodedata.category(c)[0] == "S"


def _scripts(c: str) -> set[str]:
    """Returns the scripts of a letter or an accent; none for any other character, and for no character."""
    return script_extension(c) if c and unicodedata.category(c)[0] in "LM" else set()


def _check_length(line: str, longest: int, *, factor: int = 1) -> None:
    if len(line) > longest * factor:
        raise InvalidName(_("Please shorten this to %(longest)d characters.") % {"longest": longest})


def _check_characters(line: str) -> None:
    if line.isprintable() and not any(c in line for c in BROKEN):
        return  # nearly every line: no need to look at each character
    for c in line:
        if c not in _ALLOWED and (reason := FORBIDDEN.get(_forbidden_as(c))):
            raise InvalidName(reason % {"code": f"U+{ord(c):04X}"})


def _forbidden_as(c: str) -> str:
    """Returns the key of a character in `FORBIDDEN`; not in there for most."""
    if c in BIDI:
        return "bidi"
    if c in BROKEN:
        return "broken"
    return "tag" if "\U000e0000" <= c <= "\U000e007f" else unicodedata.category(c)


def search_columns(name: str, organization: str) -> dict[str, str]:
    """Returns the columns `DERIVED_FROM_WORDS`, by which a confirmed name is compared, sorted and searched."""
    return {"name_key": name_key(name), "sort_key": sort_key(name), "search_text": search_text(name, organization)}


def sort_key(name: str) -> str:
    """Returns the key by which names are sorted: script first, then letters without case and accents, by code point.

    The collations of PostgreSQL depend on how it was built; this order is the same everywhere.
    """
    letters = _SIGNS_BEFORE.sub("", normalize_for_search(name))
    return f"{_rank(letters or name):02d} {letters}"[:SORT_KEY] if name else ""  # `_AFTER_RANK` come the letters


def letter_of(name: str) -> str:
    """Returns the letter or digit under which `sort_key` has a name, as a capital; "" for one that has none there."""
    first = sort_key(name)[_AFTER_RANK : _AFTER_RANK + 1]
    return first.upper() if first.isalnum() else ""


def script_of(name: str) -> str:
    """Returns the script under which a name is sorted: four letters of ISO 15924, or "" for one not in `SCRIPTS`."""
    rank = int(sort_key(name)[:2] or 99)
    return SCRIPTS[rank] if rank < len(SCRIPTS) else ""


def _rank(line: str) -> int:
    """Returns the place of the script of the first letter. Digits alone come first, signs alone last."""
    first = next((c for c in line if c.isalpha()), "")
    found = "Latn" if not first and any(map(str.isnumeric, line)) else script(first or line[0])
    return SCRIPTS.index(found) if found in SCRIPTS else 99
