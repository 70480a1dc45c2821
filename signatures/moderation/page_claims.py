"""Claims: two moderators never read the same page of the review queue. Opening one claims its rows for ten minutes.

That a GET writes a claim is no change of what anybody signed: it is a note on who looks, as the audit log has it, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Exists, Max, OuterRef, QuerySet
from django.utils import timezone

from campaign.runtime.sql_files import load_sql
from signatures.models import PageClaim
from signatures.models.signature import PUT_ASIDE
from signatures.moderation.decisions import named_subquery

CLAIMED_FOR = timedelta(minutes=10)
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


@transaction.atomic(savepoint=False)
def claim_page(rows: QuerySet[Any], *, by: int, leaves: bool = True) -> list[int]:
    """Claims these signatures, a page at most, for an account, which leaves the page that it had before, or does not.

    Returns the ids of those of this page that it has now.
    """
    page = rows.values("pk").select_for_update(skip_locked=True, no_key=True)
    claimed: list[int] = []
    for _try in range(MAX_TRIES):
        subquery, parameters = named_subquery(page)
        now = timezone.now()
        parameters |= {"staff_id": by, "now": now, "until": now + CLAIMED_FOR, "leaves": leaves}
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM_PAGE.format(page=subquery), parameters)
            found, claimed = cursor.fetchone()
        if found == len(claimed):
            break
    return claimed


def claimed_by_others(rows: QuerySet[Any], *, by: int) -> tuple[int, datetime | None]:
    """Returns how many of these signatures colleagues of this account have open, and until when at the latest."""
    claims = _claims_of_others(by).filter(signature_id__in=rows.order_by().values("pk"))
    found = claims.aggregate(number=Count("pk"), until=Max("until"))
    return found["number"], found["until"]


def release_pages(by: int) -> None:
    """Ends the claims of an account that has left the pages of what waits."""
    PageClaim.objects.filter(staff_id=by, until__gt=timezone.now()).delete()


def keep_claims(by: int) -> None:
    """Lets the pages of somebody who is deciding last for another ten minutes."""
    now = timezone.now()
    half = now + CLAIMED_FOR / 2  # not with every decision
    PageClaim.objects.filter(staff_id=by, until__gt=now, until__lt=half).update(until=now + CLAIMED_FOR)


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
