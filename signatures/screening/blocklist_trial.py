"""Block lists at work: tried on the last week, switched on and off, ended."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise

from signatures.models import BlocklistEntry, Signature
from signatures.screening import blocklists, rate_limits
from signatures.states import State
from signatures.values import sealing
from signatures.values.normalization import name_key

WEEK = timedelta(days=7)
KEPT = timedelta(hours=72)  # as long as anything is known of a network (R4)
EXAMPLES = 20
MOST_READ = 200_000  # sign-ups whose words are read one by one; a few seconds
MOST_SUBNETS = 4_096
CHUNK = 5_000


@dataclass(slots=True)
class Trial:
    """What a block would have flagged; or why that cannot be told."""

    flagged: int = 0
    approved: int = 0
    examples: list[Signature] = field(default_factory=list)
    cannot: str | Promise = ""
    hours: int = 24 * 7
    only_newest: int = 0  # where not all of that time was read


def try_entry(block: BlocklistEntry) -> Trial:
    """Ask of the sign-ups of the last week (of a network: of 72 hours) whether this block would have flagged them."""
    since = timezone.now() - (KEPT if block.kind == BlocklistEntry.Kind.NETWORK else WEEK)
    recent = Signature.objects.filter(signed_up_at__gt=since)
    if block.kind == BlocklistEntry.Kind.DOMAIN:
        return _by_domain(block, recent)
    if block.kind == BlocklistEntry.Kind.NETWORK:
        return _by_network(block, recent)
    return _by_words(block, recent)


def _by_domain(block: BlocklistEntry, recent: QuerySet[Signature]) -> Trial:
    below = block.value.startswith("*.")
    domain = block.value.removeprefix("*.")
    if "*" in domain or "?" in domain:
        return Trial(cannot="Of past email domains only digests are kept, so this pattern cannot be tried on them.")
    if "." not in domain:
        return Trial(cannot="No digest is kept of an ending alone, so this cannot be tried on past sign-ups.")
    key = sealing.domain_hash(domain, pepper=settings.EMAIL_HASH_PEPPER)
    if below:
        return _told(recent.filter(domains__contains=[key]).exclude(domains__0=key))
    return _told(recent.filter(domains__0=key))


def _by_network(block: BlocklistEntry, recent: QuerySet[Signature]) -> Trial:
    parts = blocklists.subnets(block.value, MOST_SUBNETS)
    if not parts:
        return Trial(cannot="This network is too wide to be tried: only digests of its parts are kept.")
    now = timezone.now()
    days = [now - timedelta(days=day) for day in range(4) if now - timedelta(days=day) >= now - KEPT]
    keys = [rate_limits.network_digest(part, day) for day in days for part in parts]
    trial = _told(recent.filter(network__in=keys))
    trial.hours = int(KEPT.total_seconds()) // 3600
    return trial


def _told(found: QuerySet[Signature]) -> Trial:
    newest = list(found.order_by("-signed_up_at")[:EXAMPLES])
    return Trial(found.count(), found.filter(state=State.APPROVED).count(), newest)


def _by_words(block: BlocklistEntry, recent: QuerySet[Signature]) -> Trial:
    """By the words as they stand; those of who is counted without a name are not kept."""
    if block.kind == BlocklistEntry.Kind.NAME:
        # Once confirmed, the name_key stands beside the name, and finds it by index.
        recent = recent.filter(Q(name_key=name_key(block.value)) | Q(name_key="")).exclude(name="")
    lists = blocklists.Blocklists.of([block], name_key)
    newest = recent.order_by("-signed_up_at").values("pk", "state", *blocklists.FIELDS)[: MOST_READ + 1]
    trial = Trial()
    examples: list[int] = []
    for read, row in enumerate(_read(newest)):
        if read == MOST_READ:
            trial.only_newest = MOST_READ
            break
        if lists.has_words(row, name_key):
            trial.flagged += 1
            trial.approved += row["state"] == State.APPROVED
            if len(examples) < EXAMPLES:
                examples.append(row["pk"])
    trial.examples = list(Signature.objects.filter(pk__in=examples).order_by("-signed_up_at"))
    return trial


def _read(rows: QuerySet[Signature, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return rows.iterator(chunk_size=CHUNK)
