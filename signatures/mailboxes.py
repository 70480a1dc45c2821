"""Mail addresses: one canonical form, the keyed hash that finds a mailbox again, and sealing."""

import hashlib
import hmac
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import idna
from email_validator import EmailNotValidError, validate_email
from nacl.encoding import HexEncoder
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

LONGEST = 254
# What big providers say of their own addresses; for all others nothing is merged but the case of ASCII letters.
# Gmail ignores dots; Proton dots, hyphens and underscores; Yandex takes dots for hyphens.
_SAME = {
    "googlemail.com": "gmail.com",
    "me.com": "icloud.com",
    "mac.com": "icloud.com",
    **dict.fromkeys(["protonmail.com", "protonmail.ch", "pm.me"], "proton.me"),
    **dict.fromkeys(["yandex.com", "yandex.by", "yandex.kz", "ya.ru"], "yandex.ru"),
}
_IGNORED: Mapping[str, Mapping[int, int | None]] = {
    "gmail.com": str.maketrans("", "", "."),
    "proton.me": str.maketrans("", "", ".-_"),
    "yandex.ru": str.maketrans(".", "-"),
}
_PLUS = frozenset({*_SAME.values(), "outlook.com", "hotmail.com", "live.com", "msn.com", "fastmail.com", "fastmail.fm"})
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}

_COMMON = (
    "gmail.com", "googlemail.com", "hotmail.com", "outlook.com", "yahoo.com", "icloud.com", "protonmail.com",
    "proton.me", "naver.com", "hanmail.net", "daum.net", "kakao.com", "nate.com", "qq.com", "163.com", "126.com",
    "sina.com", "sohu.com", "foxmail.com", "aliyun.com", "yahoo.co.jp", "yahoo.co.kr", "yahoo.co.uk", "yahoo.com.tw",
    "yahoo.com.hk", "yahoo.de", "yahoo.fr", "hotmail.co.uk", "hotmail.de", "hotmail.fr", "outlook.kr", "outlook.de",
    "outlook.fr", "orange.fr", "laposte.net", "t-online.de", "freenet.de", "yandex.ru", "rambler.ru", "docomo.ne.jp",
    "softbank.ne.jp", "ezweb.ne.jp", "comcast.net", "verizon.net", "fastmail.com", "tutanota.com",
)  # fmt: skip
# One slip away from a common one, and yet somebody's home.
_REAL = frozenset(
    {
        "mail.com", "email.com", "ymail.com", "gmx.com", "gmx.net", "gmx.de", "gmx.at", "gmx.ch", "me.com", "mac.com",
        "aol.com", "msn.com", "live.com", "web.de", "mail.ru", "bk.ru", "list.ru", "inbox.ru", "yandex.com",
        "yandex.by", "yandex.kz", "ya.ru", "yeah.net", "139.com", "189.com", "188.com", "263.com", "sina.cn", "qq.cn",
        "hotmail.it", "hotmail.es", "hotmail.nl", "hotmail.se", "hotmail.be", "hotmail.ch", "hotmail.at", "outlook.jp",
        "outlook.es", "outlook.it", "outlook.in", "outlook.at", "outlook.be", "outlook.dk", "yahoo.ca", "yahoo.in",
        "yahoo.es", "yahoo.it", "yahoo.cn", "yahoo.se", "yahoo.ie", "yahoo.no", "yahoo.ro", "yahoo.gr", "yahoo.pl",
        "yahoo.com.cn", "yahoo.com.br", "yahoo.com.au", "yahoo.com.sg", "yahoo.com.mx", "fastmail.fm", "tutamail.com",
        "protonmail.ch", "kakao.ai", "orange.es", "mate.com", "date.com", "nave.com",
    }
)  # fmt: skip

PADDED = 256  # every sealed address is as long as every other (SECURITY.md R3)


class NotAnAddress(ValueError):
    """No mail can be sent to what was typed."""


class CannotOpen(Exception):
    """A sealed address does not fit this key. Says nothing of its content."""


def check(typed: str) -> str:
    """The address as typed, once it is one that mail can be sent to; no look-up in the DNS is made.

    Raises:
        NotAnAddress: when it is none. One with a local part beyond ASCII is none either: Django's SMTP backend cannot
            send there.
    """
    try:
        found = validate_email(typed.strip(), check_deliverability=False, strict=True, allow_smtputf8=False)
        return found.original.strip()
    except EmailNotValidError:
        raise NotAnAddress from None


def canonical(address: str) -> str:
    """The form by which two spellings of one mailbox are equal.

    Only spellings that certainly reach the same mailbox may fall together: the personal link goes to the address as
    typed, by whoever types it (CVE-2019-19844). So look-alikes of letters stay apart in the local part.
    """
    local, _at, _domain = address.strip().rpartition("@")
    domain = domain_of(address)
    domain = _SAME.get(domain, domain)
    local = local.translate(_LOWER)
    if domain in _PLUS:
        local = local.partition("+")[0]
    return f"{local.translate(_IGNORED.get(domain, {}))}@{domain}"


def domain_of(address: str) -> str:
    """The domain as the DNS knows it: ASCII, small letters, no dot at its end."""
    domain = address.strip().rpartition("@")[2].rstrip(".")
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain.casefold()


def slip(address: str) -> str | None:
    """The address that was probably meant, where the domain is one slip of the finger away from a common one."""
    local, _at, _domain = address.rpartition("@")
    domain = domain_of(address)
    if domain in _COMMON or domain in _REAL:
        return None
    meant = [common for common in _COMMON if _is_one_slip(domain, common)]
    return f"{local}@{meant[0]}" if meant else None


def _is_one_slip(typed: str, meant: str) -> bool:
    """Whether one letter is wrong, missing, too much, or two neighbours are swapped (Damerau's four slips)."""
    if abs(len(typed) - len(meant)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(typed, meant, strict=False)) if a != b), min(len(typed), len(meant)))
    one, other = typed[start:], meant[start:]
    return (
        one[1:] == other[1:]
        or one[1:] == other
        or one == other[1:]
        or (one[1:2] + one[:1] == other[:2] and one[2:] == other[2:])
    )


def key(address: str, *, pepper: str) -> bytes:
    """HMAC-SHA256 of the canonical address: 32 bytes that say nothing without the pepper."""
    return hmac.digest(pepper.encode(), canonical(address).encode(), hashlib.sha256)


def seal(address: str, *, public_key: str) -> bytes:
    """The address for the eyes of whoever holds the private half of this key (Curve25519, hex)."""
    plain = address.encode()
    return _box(public_key).encrypt(plain + b"\0" * (PADDED - len(plain)))


def unseal(sealed: bytes | memoryview, *, private_key: PrivateKey) -> str:
    """The address in a sealed box.

    Raises:
        CannotOpen: when the box was sealed to another key.
    """
    try:
        return SealedBox(private_key).decrypt(bytes(sealed)).rstrip(b"\0").decode()
    except CryptoError:
        raise CannotOpen from None


def read_private_key(file: Path) -> PrivateKey:
    """The private half of a key pair, as `campaign.keys` writes it: 64 hex digits."""
    return PrivateKey(file.read_text().strip().encode(), HexEncoder)


@cache
def _box(public_key: str) -> SealedBox[PublicKey]:
    return SealedBox(PublicKey(public_key.encode(), HexEncoder))
