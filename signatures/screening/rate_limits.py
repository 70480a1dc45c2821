"""How often. Over a limit nobody is refused: the row is flagged, or no further mail goes out.

The buckets hold keyed hashes with a key of the day, and go when their time is over (SECURITY.md R4).
"""

import hashlib
import hmac
import ipaddress
import logging
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Max, Sum

from signatures.models import RateBucket, RateLimit
from signatures.registries import Flag

log = logging.getLogger(__name__)

# (what, seconds, how often): burst and sustained. README.md says why these.
DEFAULT_LIMITS = [
    (RateLimit.Of.NETWORK, 600, 20),
    (RateLimit.Of.NETWORK, 86_400, 200),
    (RateLimit.Of.MAILBOX, 600, 5),
    (RateLimit.Of.MAILBOX, 86_400, 10),
    (RateLimit.Of.DOMAIN, 600, 2_000),
    (RateLimit.Of.DOMAIN, 86_400, 50_000),
    (RateLimit.Of.SITE, 600, 10_000),
    (RateLimit.Of.SITE, 86_400, 500_000),
    (RateLimit.Of.WORDS, 86_400, 5),
    (RateLimit.Of.NAME, 86_400, 10),
    (RateLimit.Of.COMMENT, 86_400, 10),
    (RateLimit.Of.SMALL_DOMAIN, 86_400, 40),
    (RateLimit.Of.NO_HAND, 86_400, 2),
    (RateLimit.Of.GUESS, 600, 30),
    (RateLimit.Of.REPORT, 600, 5),
    (RateLimit.Of.REPORT, 86_400, 20),
    (RateLimit.Of.LOGIN, 600, 5),
    (RateLimit.Of.LOGIN_NETWORK, 600, 50),
    (RateLimit.Of.MAIL, 60, 1_000),
    (RateLimit.Of.MAIL_DOMAIN, 60, 500),
]
TIGHTENED_SCOPES = (RateLimit.Of.NETWORK, RateLimit.Of.DOMAIN)  # what a flood comes from; the others are no sign of one
RATE_SCOPES = frozenset({RateLimit.Of.NETWORK, RateLimit.Of.DOMAIN, RateLimit.Of.SITE})
# Too many in one of these are one flood by its looks. Those that came before the limit belong to it as well, and can be
# told by the marks beside them; but the first of a name may be the person whom the others copied.
MARKED_SCOPES = frozenset({RateLimit.Of.COMMENT, RateLimit.Of.SMALL_DOMAIN, RateLimit.Of.NO_HAND})
BURST_SCOPES = MARKED_SCOPES | {RateLimit.Of.NAME}
CACHE_SECONDS = 10.0  # seconds that a process keeps the figures
EVENTS_PER_SHARD = 1_000  # a figure above it is spread over several rows, so that a crowd does not queue at one
MAX_SHARDS = 16

# One statement for all buckets, sorted so that two at once cannot wait for each other, and exact: who gets a number up
# to the limit is within it (SECURITY.md F6). A lost bucket harms nobody, so on its own it waits for no disk.
_COUNT_EVENT = """
    INSERT INTO signatures_ratebucket (key, of, n, most, until)
    SELECT key, of, 1, most, until
    FROM unnest(%s::bytea[], %s::text[], %s::int[], %s::timestamptz[]) AS touched (key, of, most, until),
        set_config('synchronous_commit', %s, TRUE)
    ORDER BY key
    ON CONFLICT (key) DO UPDATE SET n = signatures_ratebucket.n + 1, most = EXCLUDED.most
    RETURNING of, n > most, n = most + 1
"""
_kept: tuple[float, list[tuple[str, int, int]]] = (float("-inf"), [])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became too much; empty for nearly everybody. And the marks of the bursts that it may be part of."""

    over: frozenset[str] = frozenset()
    is_broken: bool = False
    just: frozenset[str] = frozenset()  # what this very event made too much
    marks: tuple[str, ...] = ()

    @property
    def flags(self) -> list[str]:
        """Why a person should look at the sign-up. Limits that cannot be asked send to review, too (O5)."""
        found = {Flag.RATE} if self.over & RATE_SCOPES else set()
        if RateLimit.Of.WORDS in self.over:
            found.add(Flag.SIMILAR)
        if self.over & BURST_SCOPES:
            found.add(Flag.BURST)
        return sorted(found | ({Flag.LIMITER_DOWN} if self.is_broken else set()))

    @property
    def may_mail(self) -> bool:
        return RateLimit.Of.MAILBOX not in self.over


def count_event(values: Mapping[str, str]) -> Verdict:
    """Count one event in every bucket it belongs to; which limits it is over.

    Args:
        values: for each kind of limit that applies, whose bucket: a network, a canonical address, a domain, …
    """
    now = time.time()
    try:
        rows = list(_buckets(values, now))
        if not rows:
            return Verdict()
        # Within a transaction of somebody else, its own way of committing holds.
        within = connection.in_atomic_block
        commit = "on" if within else "off"
        savepoint: AbstractContextManager[Any] = transaction.atomic() if within else nullcontext()
        with savepoint, connection.cursor() as cursor:
            cursor.execute(_COUNT_EVENT, [*map(list, zip(*rows, strict=True)), commit])
            found = cursor.fetchall()
        return Verdict(
            over=frozenset(of for of, is_over, _is_just in found if is_over),
            just=frozenset(of for of, _is_over, is_just in found if is_just),
            marks=tuple(key[:8].hex() for key, of, *_figures in rows if of in MARKED_SCOPES),
        )
    except DatabaseError as error:
        log.error("alarm %s: %s", Flag.LIMITER_DOWN, type(error).__name__)
        return Verdict(is_broken=True)


def reset(values: Mapping[str, str]) -> None:
    """Empty these buckets of the running spans: whoever proved to be who they say may mistype again."""
    RateBucket.objects.filter(key__in=[key for key, _of, _most, _until in _buckets(values, time.time())]).delete()


def network_digest(network: str, at: datetime) -> str:
    """What stands beside a signature of this day for its network, until it is forgotten (R4): 16 hexadecimal digits."""
    return hmac.digest(_secret(at.date().isoformat()), f"beside {network}".encode(), hashlib.sha256)[:8].hex()


def network_digests(typed: str, at: datetime) -> list[str]:
    """What stands beside the signatures of the last 72 hours from an address or network; none from any other.

    Raises:
        ValueError: when it is neither, or wider than a /16 (IPv6: a /56).
    """
    network = ipaddress.ip_network(typed.strip(), strict=False)
    share, widest = (24, 16) if network.version == 4 else (64, 56)
    if network.prefixlen < widest:
        raise ValueError(typed)
    wanted = [network.supernet(new_prefix=share)] if network.prefixlen > share else network.subnets(new_prefix=share)
    days = [at - timedelta(days=ago) for ago in range(4)]
    return [network_digest(str(one), day) for one in wanted for day in days]


def _secret(day: str) -> bytes:
    return hmac.digest(settings.SECRET_KEY.encode(), f"signatures.screening.rate_limits {day}".encode(), hashlib.sha256)


def _buckets(values: Mapping[str, str], now: float) -> Iterator[tuple[bytes, str, int, datetime]]:
    day = datetime.fromtimestamp(now, UTC).date().isoformat()
    secret = _secret(day)
    for of, seconds, most in _limits():
        if of in values:
            span = int(now // seconds)
            shards = min(MAX_SHARDS, max(1, most // EVENTS_PER_SHARD))
            shard = random.randrange(shards)
            whose = f"{of} {seconds} {span} {shard} {values[of]}".encode("utf-8", "surrogatepass")
            until = datetime.fromtimestamp((span + 1) * seconds, UTC)
            yield hmac.digest(secret, whose, hashlib.sha256), of, most // shards, until


def _limits() -> list[tuple[str, int, int]]:
    global _kept
    asked, figures = _kept
    if time.monotonic() - asked > CACHE_SECONDS:
        rows = RateLimit.objects.values_list("of", "seconds", "most", "divisor")
        figures = [(of, seconds, max(1, most // divisor)) for of, seconds, most, divisor in rows]
        _kept = time.monotonic(), figures
    return figures


def clear_cache() -> None:
    """The figures are read again."""
    global _kept
    _kept = float("-inf"), []


def create_default_limits(**_signal: Any) -> None:
    """The figures a new site starts with; called after every migration, and leaves alone what staff changed.

    A kind that staff removed altogether comes back with the next migration: set a high figure instead.
    """
    there = set(RateLimit.objects.values_list("of", flat=True))
    RateLimit.objects.bulk_create(
        [RateLimit(of=of, seconds=seconds, most=most) for of, seconds, most in DEFAULT_LIMITS if of not in there],
        ignore_conflicts=True,
    )


def busiest_network() -> tuple[int, int]:
    """How many sign-ups the busiest network made in the longest span of today, and all networks together."""
    newest = RateBucket.objects.filter(of=RateLimit.Of.NETWORK).order_by("-until").values("until")[:1]
    found = RateBucket.objects.filter(of=RateLimit.Of.NETWORK, until=newest).aggregate(most=Max("n"), all=Sum("n"))
    return found["most"] or 0, found["all"] or 0


def is_exceeded(of: RateLimit.Of) -> bool:
    """Whether a limit of this kind is exceeded in a span that still runs."""
    return RateBucket.objects.filter(of=of, until__gt=datetime.now(UTC), n__gt=F("most")).exists()
