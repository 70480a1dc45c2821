"""Block lists: what staff want to look at whenever it comes. They flag, and never refuse.

The live look-up and the trial on the last week ask the same `Lists`, so that they cannot differ.
"""

import fnmatch
import ipaddress
import re
import time
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import idna
from django.db.models import Q
from django.utils import timezone
from fontTools.unicodedata import script

from signatures.models import BlocklistEntry
from signatures.registries import Flag

FIELDS = ("name", "role", "organization", "comment")  # in which a word is looked for
NARROWEST_PREFIX = {4: 24, 6: 64}  # all that is known of a network (`campaign.web.client_network.of`)
WIDEST_PREFIX = {4: 8, 6: 16}
CACHE_SECONDS = 10.0  # seconds that a process keeps the lists
_NO_SPACES = {"Hani", "Hira", "Kana", "Hang"}  # words of these stand within others without a space between
_DOMAIN = re.compile(r"[a-z0-9_*?-]+(\.[a-z0-9_*?-]+)+")

type NameKey = Callable[[str], str]


class InvalidEntry(ValueError):
    """Nothing can be looked for by this; the message says to staff what is wrong."""


def clean_value(kind: str, value: str) -> str:
    """The value as it is compared and shown.

    Raises:
        NotABlock: when it is none of its kind.
    """
    value = value.strip()
    if kind == BlocklistEntry.Kind.DOMAIN:
        return _tidy_domain(value)
    if kind == BlocklistEntry.Kind.NETWORK:
        return _tidy_network(value)
    if not _spaced(value):
        raise InvalidEntry("There is no letter in it.")
    return value


def _tidy_domain(value: str) -> str:
    labels = value.rpartition("@")[2].lower().rstrip(".").split(".")
    try:
        value = ".".join(label if label.isascii() else idna.encode(label, uts46=True).decode() for label in labels)
    except idna.IDNAError:
        raise InvalidEntry("This is no email domain.") from None
    if not _DOMAIN.fullmatch(value) or not re.search(r"[a-z0-9]", value):
        raise InvalidEntry("Please enter an email domain, such as mailbot.example or *.mailbot.example.")
    return value


def _tidy_network(value: str) -> str:
    try:
        found = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise InvalidEntry("Please enter a network, such as 203.0.113.0/24 or 2001:db8:1::/48.") from None
    if found.prefixlen > NARROWEST_PREFIX[found.version]:
        raise InvalidEntry(
            "Of an address the site knows the /%(bits)d alone, so this cannot be told from its neighbors."
            % {"bits": NARROWEST_PREFIX[found.version]}
        )
    if found.prefixlen < WIDEST_PREFIX[found.version]:
        raise InvalidEntry("This is a large part of the whole net; please enter a narrower one.")
    return str(found)


@dataclass(frozen=True, slots=True)
class Blocklists:
    """Blocks, made ready for being looked up."""

    domains: re.Pattern[str] | None = None
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    words: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, blocks: Iterable[BlocklistEntry], name_key: NameKey) -> "Blocklists":
        values: dict[str, list[str]] = {kind: [] for kind in BlocklistEntry.Kind.values}
        for block in blocks:
            values[block.kind].append(block.value)
        globs = "|".join(map(fnmatch.translate, values["domain"]))
        words = [_spaced(value) for value in values["word"]]
        parts = {word.replace(" ", "") for word in words if not _NO_SPACES.isdisjoint(map(script, word))}
        return cls(
            re.compile(globs) if globs else None,
            tuple(map(ipaddress.ip_network, values["network"])),
            tuple(f" {word} " for word in words if word.replace(" ", "") not in parts),
            tuple(parts),
            frozenset(map(name_key, values["name"])),
        )

    def has_words(self, words: Mapping[str, str], name_key: NameKey) -> bool:
        """Whether one of the words or names stands in what was typed."""
        if self.names and name_key(words.get("name", "")) in self.names:
            return True
        return bool(self.words or self.parts) and any(self._has(words.get(field, "")) for field in FIELDS)

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
        return any(asked.version == block.version and asked.subnet_of(block) for block in self.networks)  # type: ignore[arg-type]  # of one version


_kept: tuple[float, Blocklists] = (float("-inf"), Blocklists())


def flags(words: Mapping[str, str], *, name_key: NameKey, domain: str = "", network: str = "") -> list[str]:
    """Which flags the lists raise: `blocked` by where it came from, `blocked-word` by what it says."""
    lists = _lists(name_key)
    found = {
        Flag.BLOCKED: lists.has_domain(domain) or lists.has_network(network),
        Flag.BLOCKED_WORD: lists.has_words(words, name_key),
    }
    return [flag for flag, is_raised in found.items() if is_raised]


def _lists(name_key: NameKey) -> Blocklists:
    """Those that are on, kept for a while, so that a sign-up costs no query; but none beyond its end."""
    global _kept
    until, lists = _kept
    if time.monotonic() >= until:
        now = timezone.now()
        blocks = list(BlocklistEntry.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), is_on=True))
        ends = [(block.expires_at - now).total_seconds() for block in blocks if block.expires_at]
        lists = Blocklists.of(blocks, name_key)
        _kept = time.monotonic() + min([CACHE_SECONDS, *ends]), lists
    return lists


def clear_cache() -> None:
    """The lists are read again."""
    global _kept
    _kept = float("-inf"), Blocklists()


def subnets(network: str, most: int) -> list[str]:
    """The networks, as the site knows them, that make up this one; none when they are more than `most`."""
    found = ipaddress.ip_network(network)
    finest = NARROWEST_PREFIX[found.version]
    return [str(part) for part in found.subnets(new_prefix=finest)] if 2 ** (finest - found.prefixlen) <= most else []


def _spaced(text: str, *, hyphen: str = " ") -> str:
    """Its words without case, width, accents and punctuation, one space between; what joins two words is `hyphen`."""
    if text.isascii():
        return " ".join(re.sub(r"[^0-9a-z\s]", hyphen, text.lower()).split())
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not "\u0300" <= c <= "\u036f")
    text = unicodedata.normalize("NFC", text)
    plain = "".join(
        c if c.isalnum() or unicodedata.category(c)[0] in "LMN" else " " if c.isspace() else hyphen
        for c in text.casefold()
    )
    return " ".join(plain.split())
