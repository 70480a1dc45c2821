"""What one member of staff decided, to undo it, and how much each one decided today: read from the audit log."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.core.cache import cache
from django.db import connection
from django.db.models import Count, Exists, OuterRef
from django.utils import timezone
from django.utils.timesince import timesince

from campaign.runtime.sql_files import load_sql
from signatures.audit.staff_names import staff_names
from signatures.models import AuditEntry
from signatures.registries import AuditAction, find_action

MAX_UNDONE = 500  # at once; a decision about more signatures is undone by a task (`undo_runs`)
SHOWN = 20
SPAN = timedelta(days=2)  # what was decided before is undone on the page of the signature
DECISIONS = (AuditAction.APPROVE, AuditAction.REJECT, AuditAction.HOLD)
PROGRESS_SECONDS = 20

_OWN_DECISIONS = load_sql(__file__, "own_decisions.sql")


@dataclass(frozen=True, slots=True)
class OwnDecision:
    """What one click decided: about one signature, or about a number of them, in this range of audit entries."""

    at: datetime
    action: str
    first_entry: int
    last_entry: int
    number: int
    signature_id: int

    @property
    def key(self) -> str:
        """What a button to undo it sends."""
        return f"{self.first_entry}-{self.last_entry}"

    @property
    def ago(self) -> str:
        is_new = timezone.now() - self.at < timedelta(minutes=1)
        return "just now" if is_new else f"{timesince(self.at)} ago"

    @property
    def title(self) -> str:
        action = find_action(self.action)
        done = action.sentence.rstrip(".") if action else self.action
        if self.number == 1:
            return f"{done} no. {self.signature_id}"
        return f"{done} {self.number:,} signatures"


class History(NamedTuple):
    """What an account decided.

    Attributes:
        decisions: the last 20 that can be undone, the newest first.
        has_runs: whether one about many signatures was undone by a task, or is (`undo_runs.recent`).
    """

    decisions: list[OwnDecision]
    has_runs: bool


def recent_decisions(staff_id: int) -> list[OwnDecision]:
    """Returns the last 20 decisions of this account that can be undone, the newest first."""
    return history_of(staff_id).decisions


def history_of(staff_id: int) -> History:
    """Returns all that the page of the queue asks, in one statement."""
    values: dict[str, Any] = {
        "staff_id": staff_id,
        "since": timezone.now() - SPAN,
        "actions": list(DECISIONS),
        "most": MAX_UNDONE + 1,
        "shown": SHOWN,
        "started": AuditAction.UNDO_STARTED,
    }
    with connection.cursor() as cursor:
        cursor.execute(_OWN_DECISIONS, values)
        rows = cursor.fetchall()
    return History([OwnDecision(*row) for _has_runs, *row in rows if row[0] is not None], has_runs=rows[0][0])


def progress_of_today(*, anew: bool = False) -> list[tuple[str, int]]:
    """Returns how many decisions of each member of staff since midnight UTC stand, most first; at most 20 s old.

    `anew`: count now, for whoever has just decided.
    """
    if anew:
        cache.delete("admin-progress")
    return cache.get_or_set("admin-progress", _count_today, PROGRESS_SECONDS) or []


def _count_today() -> list[tuple[str, int]]:
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    entries = AuditEntry.objects.filter(action__in=DECISIONS, at__gte=midnight, staff_id__isnull=False)
    # Nobody has changed the state of those signatures since, as in own_decisions.sql.
    later = AuditEntry.objects.filter(signature_id=OuterRef("signature_id"), pk__gt=OuterRef("pk")).exclude(now="")
    counted = entries.exclude(Exists(later)).order_by().values_list("staff_id").annotate(number=Count("pk"))
    numbers: dict[int, int] = {pk: number for pk, number in counted if pk is not None}
    names = staff_names(numbers)
    return sorted(((names[pk], number) for pk, number in numbers.items()), key=lambda pair: (-pair[1], pair[0]))
