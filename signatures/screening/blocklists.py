"""Blocklists: what staff want to review whenever it occurs. They flag, and never refuse.

Screening and the trial on the last week both use `Blocklists`, so that they cannot differ.
"""

import ipaddress
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import idna
from django.db.models import Q
from django.utils import timezone
from fontTools.unicodedata import script

from campaign.runtime.expiring_cache import ExpiringCache
from campaign.runtime.regular_expressions import Pattern, linear, shell_patterns
from campaign.web.client_network import NETWORK_PREFIX
from signatures.models import BlocklistEntry
from signatures.registries import Flag
from signatures.registries.typed_fields import WORDS
from signatures.values.normalization import name_key

# The fields in which blocked words are searched. Who speaks for an organization is reviewed in any case.
FIELDS = tuple(word for word in WORDS if word != "spokesperson")
WIDEST_PREFIX = {4: 8, 6: 16}
CACHE_SECONDS = 10.0  # how long a process keeps the lists
_NO_SPACES = {"Hani", "Hira", "Kana", "Hang"}  # scripts that write words without spaces
_DOMAIN = linear(r"\A[a-z0-9_*?-]+(\.[a-z0-9_*?-]+)+")
_LETTER_OR_DIGIT, _PUNCTUATION = linear(r"[a-z0-9]"), linear(r"[^0-9a-z\s]")


class InvalidEntry(ValueError):
    """The value of an entry is invalid; the message says to staff why."""


def clean_value(kind: str, value: str) -> str:
    """Returns the value as it is compared and shown.

    Raises:
        InvalidEntry: when it is no value of this kind.
    """
    value = value.strip()
    if kind == BlocklistEntry.Kind.DOMAIN:
        return _clean_domain(value)
    if kind == BlocklistEntry.Kind.NETWORK:
        return _clean_network(value)
    if not _spaced(value):
        raise InvalidEntry("There is no letter in it.")
    return value


def _clean_domain(value: str) -> str:
    labels = value.rpartition("@")[2].lower().rstrip(".").split(".")
    try:
        value = ".".join(label if label.isascii() else idna.encode(label, uts46=True).decode() for label in labels)
    except idna.IDNAError:
        raise InvalidEntry("This is no email domain.") from None
    if not _DOMAIN.fullmatch(value) or not _LETTER_OR_DIGIT.search(value):
        raise InvalidEntry("Please enter an email domain, such as mailbot.example or *.mailbot.example.")
    return value


def _clean_network(value: str) -> str:
    try:
        found = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise InvalidEntry("Please enter a network, such as 203.0.113.0/24 or 2001:db8:1::/48.") from None
    if found.prefixlen > NETWORK_PREFIX[found.version]:
        raise InvalidEntry(
            f"The site knows only the /{NETWORK_PREFIX[found.version]} of an address, so it cannot distinguish this "
            "network from its neighbors."
        )
    if found.prefixlen < WIDEST_PREFIX[found.version]:
        raise InvalidEntry("This is a large part of the whole net; please enter a narrower one.")
    return str(found)


@dataclass(frozen=True, slots=True)
class Blocklists:
    """Entries of blocklists, prepared for comparison.

    Attributes:
        domains: matches a whole domain.
        networks: the networks.
        words: words and phrases, with a space before and after.
        parts: words of scripts without spaces, which may be part of a longer run of letters.
        names: keys of whole names.
        expires_at: when the first of the entries expires.
    """

    domains: Pattern[str] | None = None
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    words: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    expires_at: datetime | None = None

    @classmethod
    def of(cls, entries: Collection[BlocklistEntry]) -> "Blocklists":
        values: dict[str, list[str]] = {kind: [] for kind in BlocklistEntry.Kind.values}
        for entry in entries:
            values[entry.kind].append(entry.value)
        words = [_spaced(value) for value in values["word"]]
        parts = {word.replace(" ", "") for word in words if not _NO_SPACES.isdisjoint(map(script, word))}
        return cls(
            shell_patterns(values["domain"]),
            tuple(map(ipaddress.ip_network, values["network"])),
            tuple(f" {word} " for word in words if word.replace(" ", "") not in parts),
            tuple(parts),
            frozenset(map(name_key, values["name"])),
            min((entry.expires_at for entry in entries if entry.expires_at), default=None),
        )

    def has_words(self, typed: Mapping[str, str]) -> bool:
        """Returns whether what was typed has one of the words or names."""
        if self.names and name_key(typed.get("name", "")) in self.names:
            return True
        return bool(self.words or self.parts) and any(self._has(typed.get(field, "")) for field in FIELDS)

    def _has(self, text: str) -> bool:
        if not text:
            return False
        spaced = _spaced(text)
        whole = f" {spaced} "
        if any(word in whole for word in self.words):
            return True
        if self.words and not text.replace(" ", "").isalnum():
            joined = f" {_spaced(text, hyphen='')} "
            if any(word in joined for word in self.words):
                return True
        return bool(self.parts) and any(part in spaced.replace(" ", "") for part in self.parts)

    def has_domain(self, domain: str) -> bool:
        return self.domains is not None and self.domains.match(domain) is not None

    def has_network(self, network: str) -> bool:
        if not self.networks or "/" not in network:
            return False
        asked = ipaddress.ip_network(network)
        return any(asked.version == entry.version and asked.subnet_of(entry) for entry in self.networks)  # type: ignore[arg-type]  # of one version


_cache = ExpiringCache[None, Blocklists](CACHE_SECONDS)
clear_cache = _cache.clear


def flags(typed: Mapping[str, str], *, domain: str = "", network: str = "") -> list[str]:
    """Returns the flags that the lists raise: `blocked` by domain or network, `blocked-word` by what was typed."""
    lists = _cache.get_or_load(None, _read, lifetime=_lifetime)
    raised = {
        Flag.BLOCKED: lists.has_domain(domain) or lists.has_network(network),
        Flag.BLOCKED_WORD: lists.has_words(typed),
    }
    return [flag for flag, is_raised in raised.items() if is_raised]


def _read() -> Blocklists:
    is_current = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return Blocklists.of(list(BlocklistEntry.objects.filter(is_current, is_on=True)))


def _lifetime(lists: Blocklists) -> float:
    """Returns the seconds for which the lists are kept: never beyond the end of an entry."""
    if lists.expires_at is None:
        return CACHE_SECONDS
    return min(CACHE_SECONDS, (lists.expires_at - timezone.now()).total_seconds())


def _spaced(text: str, *, hyphen: str = " ") -> str:
    """Returns the words without case, width, accents and punctuation, with single spaces.

    Punctuation inside a line becomes `hyphen`: a space splits two joined words, "" joins the letters of one.
    """
    if text.isascii():
        return " ".join(_PUNCTUATION.sub(hyphen, text.lower()).split())
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not "\u0300" <= c <= "\u036f")
    text = unicodedata.normalize("NFC", text)
    plain = "".join(
        c if c.isalnum() or unicodedata.category(c)[0] in "LMN" else " " if c.isspace() else hyphen
        for c in text.casefold()
    )
    return " ".join(plain.split())
