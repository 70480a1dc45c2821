"""Retention: pruning, and erasing again whom a restored backup brought back.

The times are those of threat model R4, R7 and R8; the privacy page states them.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import batched, chain
from typing import Any

from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Value, Window
from django.db.models.functions import Cast, Coalesce, NullIf, RowNumber
from django.utils import timezone

from signatures import narrowings, tombstones
from signatures.audit import audit_log
from signatures.delivery import package_store
from signatures.delivery.errata import blank_words_of_nobody, words_of_nobody
from signatures.models import (
    BulkRule,
    Delivery,
    DeliveryEntry,
    FormerMarks,
    OutboxMail,
    RateBucket,
    Signature,
    SignerRequest,
    SpentProof,
    Submission,
    Suppression,
    Tombstone,
)
from signatures.registries import AuditAction
from signatures.screening import daily_keys
from signatures.signing import withdrawal
from signatures.states import State
from signatures.tombstones import retention_time
from signatures.transitions import TransitionNotAllowed

UNSENT_FOR = timedelta(days=30)
NETWORKS_FOR = timedelta(hours=71)  # checked every hour, so deleted within 72 (R4)
QUESTIONS_FOR = timedelta(days=60)  # for staff to ask something; the address goes then, decided or not (R13)
# A mistyped year takes nobody's address away before somebody may have seen it (rule 4).
ADDRESSES_AT_LEAST = timedelta(days=30)
BLANKED_TOGETHER = 5_000  # rows of one transaction
MOST_FLAGGED = 250_000  # submissions, which take 2 GB with their emails
ADDRESSES = "addresses kept for updates"
QUESTION_ADDRESSES = "addresses kept for questions"
FORMER_WORDS = "words before a correction"
SIGNATURES_AGAIN = "erased signatures from a backup"
WORDS_AGAIN = "words in deliveries of who is erased"
TAKEN_BACK_AGAIN = "signatures from a backup that were withdrawn or narrowed"


# One of version 0.9 has no public id: then an address had one signature at most.
_ERASED = """
    SELECT s.id, t.at FROM signatures_signature s JOIN signatures_tombstone t
        ON t.letter_id = s.letter_id AND t.kind = s.kind AND t.address_hash = s.address_hash
    WHERE t.public_id IS NULL AND s.signed_up_at <= t.at
"""


def prune(*, dry_run: bool = False) -> dict[str, int]:
    """Delete what has been kept long enough.

    Returns the number of rows by kind that were deleted (that would be, when `dry_run`).
    """
    if not dry_run:
        tombstones.read_file()
    now = timezone.now()
    expired: dict[str, QuerySet[Any]] = {
        "erased submissions from a backup": _submissions_from_backup(),
        **_old_submissions(now),
        "emails that could never be sent": OutboxMail.objects.filter(
            recipient__isnull=False, queued_at__lte=now - UNSENT_FOR
        ),
        "buckets of rate limits": RateBucket.objects.filter(until__lte=now),
        "spent proofs of work": SpentProof.objects.filter(until__lte=now),
        "suppressed addresses": Suppression.objects.filter(until__lte=now),
        "tombstones": Tombstone.objects.filter(at__lte=now - retention_time()),
        "expired sessions of staff": Session.objects.filter(expire_date__lte=now),
    }
    addresses = Signature.objects.filter(
        letter__acknowledged_on__lte=(now - retention_time()).date(),
        letter__acknowledged_at__lte=now - ADDRESSES_AT_LEAST,
        sealed_address__isnull=False,
    )
    waiting_long = Signature.objects.filter(
        state=State.WAITING, confirmed_at__lte=now - QUESTIONS_FOR, question_address__isnull=False
    )
    corrections = SignerRequest.objects.filter(decided_at__lte=now - SignerRequest.UNDONE_WITHIN, words__isnull=False)
    kept: dict[str, QuerySet[Any]] = {
        ADDRESSES: addresses, QUESTION_ADDRESSES: waiting_long, FORMER_WORDS: corrections
    }  # fmt: skip
    if dry_run:
        back = {
            SIGNATURES_AGAIN: len(_signatures_from_backup()),
            WORDS_AGAIN: words_of_nobody(DeliveryEntry.objects.all()).count(),
        }
        return back | {name: rows.count() for name, rows in (expired | kept).items()}
    blanked = {
        **_erase_signatures_again(),
        ADDRESSES: _blank(addresses, sealed_address=None),
        QUESTION_ADDRESSES: _blank(waiting_long, question_address=None),
        FORMER_WORDS: _blank(corrections, words=None),
    }
    with transaction.atomic():
        deleted = {name: _delete(rows) for name, rows in expired.items()} | blanked
        audit_log.record(AuditAction.PRUNE, detail=deleted)
    return deleted | {TAKEN_BACK_AGAIN: narrowings.take_back_again()}  # last: a damaged file stops nothing else


def delete_void_packages() -> int:
    """Deletes the packages of void deliveries, which name people. Returns how many there were.

    The web process, in which staff void a delivery, may only read packages.
    """
    void = {delivery.package for delivery in Delivery.objects.filter(state=Delivery.State.VOID)}
    packages = void & set(package_store.names()) if void else set()
    for name in packages:
        package_store.delete(name)
    return len(packages)


def _old_submissions(now: datetime) -> dict[str, QuerySet[Any]]:
    """Returns the submissions that nobody confirmed in time, and the emails about them, by kind."""
    before = now - Submission.KEPT_FOR
    return {
        "submissions": Submission.objects.filter(signed_up_at__lte=before),
        "emails about deleted submissions": _orphans(before),
    }


@transaction.atomic
def delete_old_submissions() -> int:
    """Delete submissions that nobody confirmed in time, with the emails about them (R7). Returns the number of rows."""
    return sum(_delete(rows) for rows in _old_submissions(timezone.now()).values())


def make_room() -> int:
    """Deletes submissions with a flag that nobody confirmed, if there are more than `MOST_FLAGGED` of them (S44).

    So no flood fills the disk. They go from the networks that sent most, the oldest first: what came from others stays.
    Emails about them that are not sent go with the next deletion of old submissions. Returns the number of rows.
    """
    flagged = Submission.objects.exclude(flags=[])
    too_many = flagged.count() - MOST_FLAGGED
    if too_many <= 0:
        return 0
    # Whose network is deleted by now stands alone, and is not taken for part of one large network.
    network = Coalesce(NullIf("network", Value("")), Cast("pk", CharField()))
    newer = Window(RowNumber(), partition_by=network, order_by=F("pk").desc())
    of_most = list(flagged.annotate(newer=newer).order_by("-newer", "pk").values_list("pk", flat=True)[:too_many])
    return sum(_delete(flagged.filter(pk__in=together)) for together in batched(of_most, BLANKED_TOGETHER))


def _orphans(before: datetime) -> QuerySet[OutboxMail]:
    """Returns the emails whose signature or submission is gone, or goes with those from before this time.

    Sent ones stay until then, because the caps count them.
    """
    signatures = Signature.objects.filter(pk=OuterRef("signature_id"))
    submissions = Submission.objects.filter(pk=OuterRef("signature_id"), signed_up_at__gt=before)
    rows = OutboxMail.objects.filter(~Exists(signatures), ~Exists(submissions), signature_id__isnull=False)
    return rows.filter(Q(queued_at__lte=before) | Q(recipient__isnull=False))


def delete_expired_buckets() -> int:
    """Delete expired buckets of rate limits and spent proofs of work. Returns their number."""
    return sum(_delete(model.objects.filter(until__lte=timezone.now())) for model in (RateBucket, SpentProof))


def delete_network_digests() -> int:
    """Delete network digests and burst marks that are too old, with the keys of days that have none left (R12).

    Returns the number of rows that had one.
    """
    before = timezone.now() - NETWORKS_FOR
    daily_keys.destroy(before=before.date())
    BulkRule.objects.filter(made_at__lte=before).exclude(networks=[]).update(networks=[])
    old = [model.objects.filter(signed_up_at__lte=before) for model in (Signature, Submission)]
    left = _delete(FormerMarks.objects.filter(signed_up_at__lte=before))
    return left + sum(_blank(rows.exclude(network="", marks=[]), network="", marks=[]) for rows in old)


def _blank(rows: QuerySet[Any], **values: Any) -> int:
    """Updates rows of any number, some thousands at a time: nobody at work on one of them waits long.

    What somebody else has locked comes last, and is waited for. Returns the number of rows.
    """
    blanked, found = 0, BLANKED_TOGETHER
    while found == BLANKED_TOGETHER:
        with transaction.atomic():
            free = rows.select_for_update(skip_locked=True, of=("self",), no_key=True)
            together = list(free.values_list("pk", flat=True)[:BLANKED_TOGETHER])
            found = len(together)
            blanked += rows.filter(pk__in=together).update(**values)
    return blanked + rows.update(**values)


@transaction.atomic
def erase_again(lines: Iterable[str]) -> int:
    """Erases who has a tombstone in these lines, in the file beside the database, or in the table.

    Returns the number of signatures and submissions.

    Raises:
        csv_cells.UnreadableLine: a line is none.
    """
    tombstones.add(lines, "tombstones.csv of the backup")
    tombstones.read_file()
    return _erase_signatures_again()[SIGNATURES_AGAIN] + _delete(_submissions_from_backup())


def _erase_signatures_again() -> dict[str, int]:
    """Erases what a backup brought back as its signer had done: words in deliveries, errata and audit entry included.

    Returns the number of signatures, and of entries of deliveries whose signature was gone already, by kind.
    """
    erased = 0
    for number in _signatures_from_backup():
        with suppress(TransitionNotAllowed):  # another worker erased it
            withdrawal.erase(Signature(pk=number), action=AuditAction.ERASE_AGAIN)
            erased += 1
    return {SIGNATURES_AGAIN: erased, WORDS_AGAIN: blank_words_of_nobody(DeliveryEntry.objects.all())}


def _submissions_from_backup() -> QuerySet[Submission]:
    return Submission.objects.filter(pk__in=_hidden_in_tombstones(Submission.objects.all()))


def _signatures_from_backup() -> list[int]:
    """Returns the signatures that have a tombstone of a later time, in the order of the tombstones."""
    with connection.cursor() as cursor:
        cursor.execute(_ERASED)
        found: dict[int, datetime] = dict(cursor.fetchall()) | _hidden_in_tombstones(Signature.objects.all())
    return sorted(found, key=lambda number: (found[number], number))


def _hidden_in_tombstones(rows: QuerySet[Any]) -> dict[int, datetime]:
    """Returns the ids of the rows that have a tombstone by their hidden id, and its time.

    The database knows no keyed hash. So only rows of addresses that have a tombstone are looked at, and those on paper
    of a letter of which one is erased: few, however many have signed.
    """
    of_letter = Tombstone.objects.filter(public_id__isnull=False, letter_id=OuterRef("letter_id"))
    of_address = rows.filter(Exists(of_letter.filter(address_hash=OuterRef("address_hash"))))
    on_paper = rows.filter(Exists(of_letter.filter(address_hash__isnull=True)), address_hash__isnull=True)
    erased = tombstones.hidden_ids()
    found = chain.from_iterable(each.values_list("pk", "public_id") for each in (of_address, on_paper))
    hidden = ((number, tombstones.hidden(public_id)) for number, public_id in found)
    return {number: erased[key] for number, key in hidden if key in erased}


def _delete(rows: QuerySet[Any]) -> int:
    """Deletes these rows and returns their number, without that of the rows that belong to them."""
    return rows.delete()[1].get(rows.model._meta.label, 0)
