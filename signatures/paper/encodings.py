"""Which encoding a text file is in. The guess is shown, and staff can choose another one."""

import codecs
import unicodedata
from itertools import pairwise

from charset_normalizer import from_bytes

from campaign.runtime.regular_expressions import linear
from signatures.paper import headings

UTF_8, UTF_16 = "utf-8-sig", "utf-16"
# Of each family, the order in which they are tried or offered. The names are Python's.
LATIN = ("cp1252", "cp1250", "cp1254", "cp1257", "mac_roman")
OTHERS = (
    "cp1251", "koi8_r", "cp1253", "cp1255", "cp1256", "cp874", "cp949", "cp932", "euc_jp", "gb18030", "big5",
)  # fmt: skip
LABELS = {
    UTF_8: "UTF-8", UTF_16: "UTF-16", "utf-16-le": "UTF-16 (little-endian)", "utf-16-be": "UTF-16 (big-endian)",
    "cp1252": "Western European (Windows)", "cp1250": "Central European (Windows)", "cp1254": "Turkish (Windows)",
    "cp1257": "Baltic (Windows)", "mac_roman": "Western European (Mac)", "cp1251": "Cyrillic (Windows)",
    "koi8_r": "Cyrillic (KOI8-R)", "cp1253": "Greek (Windows)", "cp1255": "Hebrew (Windows)",
    "cp1256": "Arabic (Windows)", "cp874": "Thai (Windows)", "cp949": "Korean (Windows)",
    "cp932": "Japanese (Windows)", "euc_jp": "Japanese (EUC)", "gb18030": "Simplified Chinese (GB 18030)",
    "big5": "Traditional Chinese (Big5)",
}  # fmt: skip
# Of a double-byte encoding, the first bytes of the letters that are in daily use.
_DAILY = {
    "cp949": (0xB0, 0xC8), "cp932": (0x82, 0x97), "euc_jp": (0xA4, 0xCF), "gb18030": (0xB0, 0xD7), "big5": (0xA4, 0xC6),
}  # fmt: skip
_TURKISH, _ONLY_TURKISH = set("ÂÇĞÎİÖŞÛÜâçğîıöşûü"), set("Ğİşğış")  # the others are as in Western European
_HEAD = 20_000  # bytes that the guess looks at
_TOLERANCE = 0.15  # so many more odd words are no reason: a list in Korean has some names in Chinese letters
_WORD = linear(rb"[A-Za-z\x80-\xff]+")
_LETTERS = linear(r"[0-9A-Za-z\x80-\U0010ffff]+")
_CELL = linear(r"[^,;\t|\r\n]+")
_MARKS = {codecs.BOM_UTF8: UTF_8, codecs.BOM_UTF16_LE: UTF_16, codecs.BOM_UTF16_BE: UTF_16}


def detect(content: bytes) -> str:
    """Returns the most likely encoding of a file, one of `LABELS`."""
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return encoding
    head = content[:4096]
    if head.count(0) * 3 > len(head):  # every second byte of plain letters
        return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    if can_decode(content, UTF_8):
        return UTF_8
    head = content if len(content) <= _HEAD else content[: content.rfind(b"\n", 0, _HEAD) + 1] or content
    if _is_latin(content):
        found = [encoding for encoding in LATIN if can_decode(content, encoding) and _reads_well(content, encoding)]
        if "cp1254" in found and _is_turkish(head):
            return "cp1254"
        return max(found, key=lambda encoding: _oddness(head, encoding), default=LATIN[0])
    likely = [encoding for encoding in OTHERS if can_decode(content, encoding)]
    for sense in (_known, _oddness, _capitals):
        senses = {encoding: sense(head, encoding) for encoding in likely}
        likely = [encoding for encoding in likely if senses[encoding] >= max(senses.values()) - _TOLERANCE]
    best = from_bytes(content, cp_isolation=likely).best() if len(likely) > 1 else None
    return best.encoding if best and best.encoding in likely else next(iter(likely), LATIN[0])


def can_decode(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeError:
        return False
    return True


def _is_latin(content: bytes) -> bool:
    """Returns whether letters beyond ASCII stand among letters of ASCII, as accented ones do."""
    words = b"".join(word for word in _WORD.findall(content) if not word.isascii())
    return sum(byte < 0x80 for byte in words) * 2 >= len(words)


def _reads_well(content: bytes, encoding: str) -> bool:
    """Returns whether what is beyond ASCII are letters, dashes and quotation marks."""
    beyond = {c for c in content.decode(encoding) if c > "\x7f"}
    return all(unicodedata.category(c) in {"Ll", "Lo", "Lu", "Pd", "Pi", "Pf", "Ps", "Zs"} for c in beyond)


def _is_turkish(head: bytes) -> bool:
    """Returns whether all letters beyond ASCII are Turkish, and two of them no other language has there."""
    beyond = {c for c in head.decode("cp1254") if c > "\x7f" and c.isalpha()}
    return beyond <= _TURKISH and len(beyond & _ONLY_TURKISH) > 1


def _known(head: bytes, encoding: str) -> float:
    """Returns how many headings beyond ASCII are known."""
    return headings.number_known(cell for cell in _CELL.findall(head.decode(encoding)[:2_000]) if not cell.isascii())


def _oddness(head: bytes, encoding: str) -> float:
    """Returns which part of the words is odd, as a number from -1 (all) to 0 (none)."""
    words = [word for word in _LETTERS.findall(head.decode(encoding)) if not word.isascii()]
    return -sum(_is_odd(word, encoding) for word in words) / max(1, len(words))


def _capitals(head: bytes, encoding: str) -> float:
    """Returns 1 unless all letters beyond ASCII are capitals, or all are small ones: names have both."""
    letters = "".join(c for c in head.decode(encoding) if c > "\x7f")
    return float(letters.isupper() == letters.islower())


def _is_odd(word: str, encoding: str) -> bool:
    """Returns whether a word has two scripts, letters of no daily use, signs, or a capital or an accent misplaced."""
    if encoding in _DAILY:
        first, last = _DAILY[encoding]
        return not all(first <= c.encode(encoding)[0] <= last for c in word if c.isalpha() and c > "\x7f")
    kinds = [unicodedata.category(c) for c in word]
    letters = unicodedata.normalize("NFKC", "".join(c for c in word if c.isalpha()))  # the ª of Mª is an a
    scripts = {unicodedata.name(c, "").partition(" ")[0] for c in letters}
    has_sign = any(kind[0] not in "LMPZ" for c, kind in zip(word, kinds, strict=True) if c > "\x7f")
    misplaced = any(
        (b == "Lu" and a == "Ll") or (b[0] == "M" and a[0] not in "LM") for a, b in pairwise(["Zs", *kinds])
    )
    return len(scripts) > 1 or has_sign or misplaced
