"""Rate limits: how many events of one kind are normal in a span of time.

Exceeding a limit refuses nothing: the signature is flagged, or an email is sent later. The time of a limit slides with
the clock: whenever it begins, it has no more events within the limit than the limit (threat model S34). The buckets
that count events have digests under a random key of the day, and are deleted when their time is over (R4, R12).
"""

import csv
import hashlib
import hmac
import ipaddress
import logging
import random
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from django.db import DatabaseError, connection, transaction
from django.db.models import Max, Sum

from campaign.runtime.expiring_cache import ExpiringCache
from campaign.web.client_network import NETWORK_PREFIX
from signatures.models import RateBucket, RateLimit
from signatures.registries import Flag
from signatures.screening import daily_keys

log = logging.getLogger(__name__)

_Scope = RateLimit.Scope
# (scope, seconds, maximum count): one for bursts and one for a day. The docs give the reasons for the numbers.
DEFAULT_LIMITS = [
    (_Scope(scope), int(seconds), int(max_count))
    for scope, seconds, max_count in csv.reader(Path(__file__).with_name("default_limits.csv").read_text().splitlines())
]
TIGHTENED_SCOPES = (_Scope.NETWORK, _Scope.WIDE_NETWORK, _Scope.DOMAIN)  # the sources of a flood
RATE_SCOPES = frozenset({_Scope.NETWORK, _Scope.WIDE_NETWORK, _Scope.DOMAIN, _Scope.SITE})
# A bucket of these that is over its limit is one flood. The submissions before the limit belong to it, too, and are
# found by the marks stored with them. Not so by name: the first of a name may be the person whom the others copied.
MARKED_SCOPES = frozenset({_Scope.COMMENT, _Scope.MAILBOX, _Scope.SMALL_DOMAIN, _Scope.NO_HAND})
BURST_SCOPES = MARKED_SCOPES - {_Scope.MAILBOX} | {_Scope.NAME}  # `flag_bursts` counts the addresses of a mailbox
CACHE_SECONDS = 10.0  # how long a process keeps the limits
EVENTS_PER_SHARD = 1_000  # a larger maximum is spread over several rows, so that many requests do not wait for one row
MAX_SHARDS = 16
PARTS = 24  # of a span: an event counts for its time, and at most for one part longer

_DAY, _FIRST_DAY = 24 * 60 * 60, date(1970, 1, 1).toordinal()
# In the database, where it is told how buckets of two spans make one limit that slides.
_COUNT_EVENT = "SELECT * FROM signatures_count_event(%s, %s, %s, %s, %s, %s, %s, %s)"

type _Limit = tuple[str, int, int]  # scope, seconds, maximum count
_cache = ExpiringCache[None, list[_Limit]](CACHE_SECONDS)
clear_cache = _cache.clear


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of counting an event.

    Attributes:
        over: the scopes whose limit is exceeded; empty for nearly everybody.
        newly_over: those that this very event exceeded.
        marks: digests of the buckets by which the submission is found again if they turn out to be a burst.
        is_broken: whether the limits could not be checked.
    """

    over: frozenset[str] = frozenset()
    newly_over: frozenset[str] = frozenset()
    marks: tuple[str, ...] = ()
    is_broken: bool = False

    @property
    def flags(self) -> list[str]:
        """The flags that the submission gets. Limits that cannot be checked send it to review, too (O5)."""
        raised = {
            Flag.RATE: bool(self.over & RATE_SCOPES),
            Flag.SIMILAR: _Scope.WORDS in self.over,
            Flag.BURST: bool(self.over & BURST_SCOPES),
            Flag.LIMITER_DOWN: self.is_broken,
        }
        return sorted(flag for flag, is_raised in raised.items() if is_raised)


class _Bucket(NamedTuple):
    """One bucket: the digests that name it and that of the span before, and its scope and limit."""

    key: bytes
    former_key: bytes
    scope: str
    max_count: int
    seconds: int


def now() -> float:
    """Returns the seconds since 1970 by which events are put into spans."""
    return time.time()


def count_event(values: Mapping[str, str]) -> Verdict:
    """Count one event in all its buckets, and return which limits are exceeded.

    Args:
        values: for each scope that applies, what the event is counted under: a network, a canonical address, a domain.
    """
    at = now()
    try:
        buckets = list(_buckets(values, at))
        rows = _count(buckets, at) if buckets else []
    except DatabaseError as error:
        log.error("alarm %s: %s", Flag.LIMITER_DOWN, type(error).__name__)  # noqa: TRY400  no values in logs
        return Verdict(is_broken=True)
    return Verdict(
        over=frozenset(scope for scope, is_over, _is_newly_over in rows if is_over),
        newly_over=frozenset(scope for scope, _is_over, is_newly_over in rows if is_newly_over),
        marks=tuple(bucket.key[:8].hex() for bucket in buckets if bucket.scope in MARKED_SCOPES),
    )


def _count(buckets: list[_Bucket], at: float) -> list[tuple[str, bool, bool]]:
    is_nested = connection.in_atomic_block  # the outer transaction decides how it is committed
    savepoint: AbstractContextManager[Any] = transaction.atomic() if is_nested else nullcontext()
    keys, former_keys, *columns = zip(*buckets, strict=True)
    digests = ([rf'"\\x{key.hex()}"' for key in column] for column in (keys, former_keys))
    arrays = map(_array, (*digests, *columns))
    with savepoint, connection.cursor() as cursor:
        cursor.execute(_COUNT_EVENT, [at, *arrays, 1 / PARTS, is_nested])
        return list(cursor.fetchall())


def _array(values: Iterable[object]) -> str:
    """Returns values as PostgreSQL writes an array. The driver takes longer for each than the database to count it."""
    return f"{{{','.join(map(str, values))}}}"


def reset(values: Mapping[str, str]) -> None:
    """Empty the buckets of these values that count: somebody who has proved who they are may mistype again."""
    keys = [key for bucket in _buckets(values, now()) for key in (bucket.key, bucket.former_key)]
    RateBucket.objects.filter(key__in=keys).delete()


def network_digest(network: str, at: datetime) -> str:
    """Returns the digest of a network that a signature of this day is stored with: 16 hexadecimal digits."""
    return _network_digest(daily_keys.key_of(at.date()), network)


def network_digests(typed: str, at: datetime, *, max_networks: int) -> list[str]:
    """Returns the digests of the last 72 hours for an address or network.

    Raises:
        ValueError: when it is neither, or made up of more than `max_networks` networks as the site knows them.
    """
    network = ipaddress.ip_network(typed.strip(), strict=False)
    stored = NETWORK_PREFIX[network.version]
    if 2 ** (stored - network.prefixlen) > max_networks:
        raise ValueError(typed)
    known = network.supernet(new_prefix=stored) if network.prefixlen > stored else network
    keys = daily_keys.existing_keys((at - timedelta(days=ago)).date() for ago in range(4))
    return [_network_digest(key, str(part)) for part in known.subnets(new_prefix=stored) for key in keys]


def _network_digest(key: bytes, network: str) -> str:
    return hmac.digest(key, f"beside {network}".encode(), hashlib.sha256)[:8].hex()


def _buckets(values: Mapping[str, str], at: float) -> Iterator[_Bucket]:
    for scope, seconds, max_count in _cache.get_or_load(None, _read_limits):
        if scope in values:
            start = int(at // seconds) * seconds
            shards = min(MAX_SHARDS, max(1, max_count // EVENTS_PER_SHARD))
            shard = random.randrange(shards) if shards > 1 else 0  # noqa: S311  it only spreads the load
            counted = f"{scope} {seconds} {shard} {values[scope]} ".encode("utf-8", "surrogatepass")
            key, former_key = _digest(counted, start), _digest(counted, start - seconds)
            yield _Bucket(key, former_key, scope, max_count // shards, seconds)


def _digest(counted: bytes, start: int) -> bytes:
    key = daily_keys.key_of(date.fromordinal(_FIRST_DAY + start // _DAY))
    # Keyed BLAKE2 does not release the interpreter lock, as `hmac` does: two dozen times for one sign-up.
    return blake2b(b"%b%d" % (counted, start), key=key, digest_size=32).digest()


def _read_limits() -> list[_Limit]:
    rows = RateLimit.objects.values_list("scope", "seconds", "max_count", "divisor")
    return [(scope, seconds, max(1, max_count // divisor)) for scope, seconds, max_count, divisor in rows]


def create_default_limits(**_signal: Any) -> None:
    """Create the limits of a new site. Called after every migration, it changes nothing that staff changed.

    If staff removed all limits of a scope, the next migration creates them again: set a high number instead.
    """
    existing = set(RateLimit.objects.values_list("scope", flat=True))
    limits = [RateLimit(scope=scope, seconds=seconds, max_count=count) for scope, seconds, count in DEFAULT_LIMITS]
    RateLimit.objects.bulk_create([limit for limit in limits if limit.scope not in existing], ignore_conflicts=True)


def busiest_network() -> tuple[int, int]:
    """Returns the number of submissions from the busiest network in today's longest span, and from all networks."""
    buckets = RateBucket.objects.filter(scope=_Scope.NETWORK, span_end__isnull=False)
    newest = buckets.order_by("-span_end").values("span_end")[:1]
    totals = buckets.filter(span_end=newest).aggregate(busiest=Max("count"), all=Sum("count"))
    return totals["busiest"] or 0, totals["all"] or 0


def is_exceeded(scope: RateLimit.Scope) -> bool:
    """Returns whether a limit of this scope is exceeded in a span that still counts."""
    return RateBucket.objects.filter(scope=scope, until__gt=datetime.now(UTC), over_count__gt=0).exists()
