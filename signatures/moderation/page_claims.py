"""Claims: two moderators never read the same page of the review queue. Opening one claims its rows for ten minutes.

That a GET writes a claim is no change of what anybody signed: it is a note on who looks, as the audit log has it, too.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Exists, Max, OuterRef, QuerySet
from django.utils import timezone

from campaign.runtime.sql_files import load_sql
from signatures.audit.staff_names import staff_names
from signatures.models import PageClaim, Signature
from signatures.models.signature import PUT_ASIDE
from signatures.moderation.decisions import named_subquery

CLAIMED_FOR = timedelta(minutes=10)
MAX_CLAIMED = 200  # signatures of one account: two batches, or four pages of the queue
MAX_TRIES = 3  # somebody who opened the same page at the same moment leaves less of it than a page

_OVERVIEW = load_sql(__file__, "queue_overview.sql")
_CLAIM_PAGE = load_sql(__file__, "claim_page.sql")


@dataclass(frozen=True, slots=True)
class OpenPage:
    """What a colleague has open: whose it is, how many of its signatures still wait, and until when it is claimed."""

    name: str
    number: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Overview:
    """The newest audit entry, how many wait with each flag that puts aside, what colleagues have open, by name.

    `gets_mail`: whether the account wants the daily email.
    """

    as_of: int
    put_aside: Mapping[str, int]
    open_pages: Sequence[OpenPage]
    gets_mail: bool


def _claims_of_others(by: int) -> QuerySet[PageClaim]:
    return PageClaim.objects.filter(until__gt=timezone.now()).exclude(staff_id=by)


def without_claimed(rows: QuerySet[Any], *, by: int) -> QuerySet[Any]:
    """Returns the signatures without those that a colleague of this account has open."""
    return rows.exclude(Exists(_claims_of_others(by).filter(signature_id=OuterRef("pk"))))


def claim_page(rows: QuerySet[Any], *, by: int) -> list[int]:
    """Claims these signatures, a page at most, for an account, beside the pages that it opened before.

    Beyond `MAX_CLAIMED` signatures the oldest of those pages are given back. Returns the ids of those of this page that
    it has now.
    """
    claimed: list[int] = []
    for _try in range(MAX_TRIES):
        found, claimed, _is_own, _as_of = _claim(rows, by=by, is_alone=False)
        if found == len(claimed):
            break
    return claimed


@transaction.atomic(savepoint=False)
def _claim(rows: QuerySet[Any], *, by: int, is_alone: bool) -> tuple[int, list[int], bool, int]:
    """Returns the columns of `claim_page.sql`: how many are free, the claimed, whether it was its own, the `as_of`."""
    page, parameters = named_subquery(rows.values("pk").select_for_update(skip_locked=True, no_key=True))
    now = timezone.now()
    parameters |= {"staff_id": by, "now": now, "until": now + CLAIMED_FOR, "most": MAX_CLAIMED}
    parameters |= {"is_alone": is_alone, "renew_before": now + CLAIMED_FOR / 2}
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM_PAGE.format(page=page), parameters)
        found, claimed, is_own, as_of = cursor.fetchone()
    return found, claimed, is_own, as_of


def claimed_by_others(rows: QuerySet[Any], *, by: int) -> tuple[int, datetime | None]:
    """Returns how many of these signatures colleagues of this account have open, and until when at the latest."""
    claims = _claims_of_others(by).filter(signature_id__in=rows.order_by().values("pk"))
    found = claims.aggregate(number=Count("pk"), until=Max("until"))
    return found["number"], found["until"]


def open_at_others(signature_ids: Collection[int], *, by: int) -> set[int]:
    """Returns those of these signatures that colleagues of this account have open."""
    return {*_claims_of_others(by).filter(pk__in=signature_ids).values_list("pk", flat=True)}


def claim_one(signature_id: int, *, by: int) -> tuple[bool, int]:
    """Claims a signature that waits for whoever opens its own page. Returns whether it is claimed, and the `as_of`.

    What the account has on a page of the queue stays with that page, whose claims last for another ten minutes. A page
    that is rendered after this shows everything up to the audit entry `as_of`.
    """
    rows = Signature.objects.to_review().filter(pk=signature_id)
    _found, claimed, is_own, as_of = _claim(rows, by=by, is_alone=True)
    return bool(claimed) or is_own, as_of


def reader_of(signature_id: int, *, by: int) -> OpenPage | None:
    """Returns the colleague of this account who has this signature open; None if nobody has."""
    claim = _claims_of_others(by).filter(pk=signature_id).first()
    return OpenPage(staff_names([claim.staff_id])[claim.staff_id], 1, claim.until) if claim else None


def keep_claims(by: int, signature_id: int) -> None:
    """Lets the page on which somebody decides this signature last for another ten minutes: not with every decision.

    The claims of one page end at one moment. A page that the account has left ends, whatever it decides elsewhere.
    """
    now = timezone.now()
    own = PageClaim.objects.filter(staff_id=by, until__gt=now, until__lt=now + CLAIMED_FOR / 2)
    decided_on = own.filter(pk=signature_id).values("until")
    own.filter(until__in=decided_on).update(until=now + CLAIMED_FOR)


def delete_expired() -> int:
    """Deletes claims that have ended. Returns their number."""
    return PageClaim.objects.filter(until__lt=timezone.now()).delete()[0]


def overview(*, by: int) -> Overview:
    """Returns what stands above the rows of the queue, for this account."""
    values: dict[str, Any] = {"put_aside": PUT_ASIDE, "now": timezone.now(), "staff_id": by}
    with connection.cursor() as cursor:
        cursor.execute(_OVERVIEW, values)
        rows = cursor.fetchall()
    return Overview(
        as_of=next(number for what, _name, number, _until in rows if what == "as_of"),
        put_aside={name: number for what, name, number, _until in rows if what == "flag"},
        open_pages=[OpenPage(name, number, until) for what, name, number, until in rows if what == "page"],
        gets_mail=any(number for what, _name, number, _until in rows if what == "mail"),
    )
