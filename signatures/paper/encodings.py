"""Which encoding a text file is in. The guess is shown, and staff can choose another one."""

import codecs
import unicodedata

from charset_normalizer import from_bytes

from campaign.runtime.regular_expressions import linear

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
_WORD = linear(rb"[A-Za-z\x80-\xff]+")
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
    if _is_latin(content):
        found = [encoding for encoding in LATIN if can_decode(content, encoding) and _reads_well(content, encoding)]
        return found[0] if found else LATIN[0]
    best = from_bytes(content, cp_isolation=list(OTHERS)).best()
    return best.encoding if best and best.encoding in LABELS else LATIN[0]


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
    return all(unicodedata.category(c) in {"Ll", "Lu", "Pd", "Pi", "Pf", "Ps", "Zs"} for c in beyond)
