"""Trial of a blocklist entry: which submissions of the last week it would have flagged."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from operator import attrgetter
from typing import Any, cast

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise

from signatures.models import BlocklistEntry, Signature, Submission
from signatures.screening import blocklists, rate_limits
from signatures.states import State
from signatures.values import sealing
from signatures.values.normalization import name_key

WEEK = timedelta(days=7)
NETWORKS_KEPT_FOR = timedelta(hours=72)  # threat model R4
EXAMPLES = 20
MAX_READ = 200_000  # submissions whose words are read one by one, which takes a few seconds
MAX_SUBNETS = 4_096
CHUNK = 5_000

type Recent = list[QuerySet[Any]]  # what was signed, and what was submitted and is not confirmed


@dataclass(slots=True)
class Trial:
    """The result of a trial.

    Attributes:
        flagged: the number of submissions that would have been flagged.
        approved: how many of them are approved.
        examples: the newest of them.
        cannot: why the entry cannot be tried, as a sentence for staff; empty if it was.
        hours: the time that was searched.
        only_newest: the number of submissions read, when that were not all of that time; else 0.
    """

    flagged: int = 0
    approved: int = 0
    examples: list[Signature | Submission] = field(default_factory=list)
    cannot: str | Promise = ""
    hours: int = 24 * 7
    only_newest: int = 0


def try_entry(entry: BlocklistEntry, *, may_read_digests: bool) -> Trial:
    """Returns what an entry would have flagged in the last week (a network: in the last 72 hours).

    Args:
        entry: the entry, on or off.
        may_read_digests: whether the reader may learn who signed from this domain or network (threat model A17).
    """
    if entry.kind in {BlocklistEntry.Kind.DOMAIN, BlocklistEntry.Kind.NETWORK} and not may_read_digests:
        return Trial(cannot="Only owners try a domain or a network: the examples tell where these people signed from.")
    since = timezone.now() - (NETWORKS_KEPT_FOR if entry.kind == BlocklistEntry.Kind.NETWORK else WEEK)
    recent = [model.objects.filter(signed_up_at__gt=since) for model in (Signature, Submission)]
    if entry.kind == BlocklistEntry.Kind.DOMAIN:
        return _try_domain(entry, recent)
    if entry.kind == BlocklistEntry.Kind.NETWORK:
        return _try_network(entry, recent)
    return _try_words(entry, recent)


def _try_domain(entry: BlocklistEntry, recent: Recent) -> Trial:
    domain = entry.value.removeprefix("*.")
    if "*" in domain or "?" in domain:
        return Trial(cannot="Of past email domains only digests are kept, so this pattern cannot be tried on them.")
    if "." not in domain:
        return Trial(cannot="No digest is kept of an ending alone, so this cannot be tried on past sign-ups.")
    digest = sealing.domain_hash(domain, pepper=settings.EMAIL_HASH_PEPPER)
    if entry.value.startswith("*."):
        return _trial_of([rows.filter(domains__contains=[digest]).exclude(domains__0=digest) for rows in recent])
    return _trial_of([rows.filter(domains__0=digest) for rows in recent])


def _try_network(entry: BlocklistEntry, recent: Recent) -> Trial:
    try:
        digests = rate_limits.network_digests(entry.value, timezone.now(), max_networks=MAX_SUBNETS)
    except ValueError:
        return Trial(cannot="This network is too wide to be tried: only digests of its parts are kept.")
    trial = _trial_of([rows.filter(network__in=digests) for rows in recent])
    trial.hours = int(NETWORKS_KEPT_FOR.total_seconds()) // 3600
    return trial


def _trial_of(matching: Recent) -> Trial:
    signatures, submissions = matching
    newest = [*signatures.order_by("-signed_up_at")[:EXAMPLES], *submissions.order_by("-signed_up_at")[:EXAMPLES]]
    return Trial(
        signatures.count() + submissions.count(),
        signatures.filter(state=State.APPROVED).count(),
        sorted(newest, key=attrgetter("signed_up_at"), reverse=True)[:EXAMPLES],
    )


def _try_words(entry: BlocklistEntry, recent: Recent) -> Trial:
    """Compares the words as they are stored now. Those of signers counted without a name are not kept."""
    signatures, submissions = recent
    if entry.kind == BlocklistEntry.Kind.NAME:
        # An index finds the key of names. Some names have none, such as those of signs alone.
        signatures = signatures.filter(Q(name_key=name_key(entry.value)) | Q(name_key="")).exclude(name="")
    lists = blocklists.Blocklists.of([entry])
    trial, found = Trial(), []
    for rows in (signatures, submissions):
        newest = rows.order_by("-signed_up_at").values_list("pk", *blocklists.FIELDS)[: MAX_READ + 1]
        # Closed here: left to the garbage collector, the cursor of the database would outlive its transaction.
        with closing(cast("Generator[Any]", newest.iterator(chunk_size=CHUNK))) as lines:
            matching = [
                number
                for number, *words in islice(lines, MAX_READ)
                if lists.has_words(dict(zip(blocklists.FIELDS, words, strict=True)))
            ]
            trial.only_newest = MAX_READ if next(lines, None) else trial.only_newest
        trial.flagged += len(matching)
        found += rows.model.objects.filter(pk__in=matching[:EXAMPLES])
        trial.approved += _count_approved(matching) if rows.model is Signature else 0
    trial.examples = sorted(found, key=attrgetter("signed_up_at"), reverse=True)[:EXAMPLES]
    return trial


def _count_approved(numbers: list[int]) -> int:
    return Signature.objects.filter(pk__in=numbers, state=State.APPROVED).count()
