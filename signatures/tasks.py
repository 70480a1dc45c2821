"""Background tasks (django.tasks), and the schedule of the worker's regular duties.

A task is a wake-up that may be repeated: the rows in the database say what is left to do.

What may take minutes, such as typesetting a million names, waits in a queue of its own, which the worker runs in a
thread of its own: nothing else waits for it.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial, wraps
from typing import Any, cast

from django.core.management import call_command
from django.db import Error as DatabaseError
from django.db import connection
from django.tasks import DEFAULT_TASK_QUEUE_NAME, Task, task
from django.utils import timezone

from campaign.models import Letter
from campaign.runtime import clock
from signatures import counts, narrowings, retention, search_keys, tombstones
from signatures.audit import audit_log, checkpoints
from signatures.delivery import building, looks, pdf, reconciliation
from signatures.models import BulkRule
from signatures.moderation import bulk_rule_runs, bulk_rules, decisions, page_claims, queue_mail, undo_runs
from signatures.monitoring import alarms, announcements
from signatures.paper import imports, previews
from signatures.registries import AlarmCode, AuditAction
from signatures.screening import bursts
from signatures.staff import kept_forms

log = logging.getLogger(__name__)

# The queues. A task of the first ends within seconds, or within a minute and enqueues itself again: it has the duties.
SHORT, LONG = DEFAULT_TASK_QUEUE_NAME, "long"

A_DAY_AND_AN_HOUR = timedelta(days=1, hours=1)  # an alarm of a daily check lasts until the next check


class TaskFailed(Exception):
    """A task failed. The message is the name of the exception that ended it; the log has the rest."""


def background[**P, R](*, queue: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Makes a function a task of this queue. What is stored of a failure is code and place alone.

    Django stores the traceback of a task, and the text of an error may hold somebody's words: PostgreSQL quotes rows.
    """

    def decorate(work: Callable[P, R]) -> Task[P, R]:
        @wraps(work)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return work(*args, **kwargs)
            except Exception as error:
                log.exception("task %s failed", work.__name__)
                failure = type(error).__name__
            raise TaskFailed(failure)

        return cast("Task[P, R]", task(queue_name=queue)(guarded))

    return decorate


@background(queue=LONG)
def recount(by: int | None = None) -> int:
    """Counts all signatures anew. Returns the number of letters whose counts differ. Staff can ask for it."""
    return alarms.recount(by=by)


@background(queue=LONG)
def build_delivery(delivery_id: int) -> None:
    """Builds the files of a frozen delivery. Harmless when repeated: files that exist are not built again."""
    building.build(delivery_id)


@background(queue=LONG)
def look_at_list(letter_id: int, paper: str) -> dict[str, Any]:
    """Typesets the list of a letter as it stands, keeps nothing, and returns what staff should know: see `looks`."""
    return looks.take(Letter.objects.get(pk=letter_id), pdf.PAPERS[paper])


@background(queue=SHORT)
def run_bulk_rule(number: int) -> None:
    """Works on a bulk rule, or on its undoing, for one turn, and enqueues itself again while work is left."""
    if bulk_rule_runs.run(number):
        run_bulk_rule.enqueue(number)


@background(queue=LONG)
def preview_bulk_rule(number: int, by: int) -> None:
    """Counts what a bulk rule would reject, for a member of staff (an account id)."""
    for rule in BulkRule.objects.filter(pk=number, step=BulkRule.Step.DRAFT):
        bulk_rules.save_preview(rule, by=by)


@background(queue=LONG)
def import_paper(number: int) -> None:
    """Imports a previewed list on paper. Harmless when repeated: what is imported is not imported again."""
    imports.run(number)


@background(queue=LONG)
def undo_decision(number: int) -> None:
    """Undoes a decision about many signatures. Harmless when repeated: what is undone is not undone again."""
    undo_runs.run(number)


def _resume_undoings() -> None:
    for number in undo_runs.unfinished():
        undo_decision.enqueue(number)


def _resume_paper_imports() -> None:
    for number in imports.stalled():
        import_paper.enqueue(number)


def _resume_bulk_rules() -> None:
    for number in bulk_rule_runs.stalled():
        run_bulk_rule.enqueue(number)


def _resume_deliveries() -> None:
    for delivery_id in building.unfinished():
        build_delivery.enqueue(delivery_id)


def _delete_task_results() -> None:
    call_command("prune_db_task_results", queue_name="*", min_age_days=1, verbosity=0)


def _reconcile() -> None:
    retention.delete_void_packages()  # which staff may have voided a moment ago
    for code, sentence in reconciliation.check_deliveries().items():
        alarms.raise_alarm(code, sentence, timezone.now() + A_DAY_AND_AN_HOUR)


@dataclass(frozen=True, slots=True)
class Duty:
    """Regular work of the worker.

    A duty that is done once a day by whichever worker comes first is looked at every minute; `is_due` then says
    whether the day is over. So a daily duty that fails is tried again within a minute.

    A duty that `deletes` what is old does nothing while the clock is in doubt (threat model O19). One in the queue
    `LONG` reads a whole list or package, or enqueues what does.
    """

    name: str
    work: Callable[[], object]
    every: timedelta
    is_due: Callable[[], bool] = lambda: True
    deletes: bool = False
    queue: str = SHORT


HALF_A_MINUTE, MINUTE, HOUR = timedelta(seconds=30), timedelta(minutes=1), timedelta(hours=1)

# The schedule. Duties of one turn and one queue run in this order.
DUTIES = (
    Duty("fold-count-deltas", counts.fold_deltas, HALF_A_MINUTE),
    Duty("check-mail", alarms.check_mail, HALF_A_MINUTE),
    # Before the alarms: a worker that was away raises none for audit entries that it is about to check.
    Duty("create-checkpoint", checkpoints.create_checkpoint, MINUTE),
    Duty("resume-bulk-rules", _resume_bulk_rules, MINUTE),
    # Before the approvals, so that no signature of a burst is approved by the rule of its letter.
    Duty("flag-bursts", bursts.flag_bursts, MINUTE),
    Duty("approve-unflagged", decisions.approve_unflagged, MINUTE),
    Duty("resume-paper-imports", _resume_paper_imports, MINUTE, queue=LONG),
    Duty("resume-undoings", _resume_undoings, MINUTE, queue=LONG),
    Duty("resume-deliveries", _resume_deliveries, MINUTE, queue=LONG),
    Duty("check-alarms", alarms.check, MINUTE),
    Duty("announce-alarms", announcements.announce, MINUTE),
    Duty("queue-mail", queue_mail.enqueue_daily, MINUTE),
    # After the bursts, which read these buckets.
    Duty("delete-expired-buckets", retention.delete_expired_buckets, MINUTE, deletes=True),
    Duty("make-room", retention.make_room, MINUTE),
    Duty("delete-page-claims", page_claims.delete_expired, MINUTE, deletes=True),
    Duty("delete-kept-forms", kept_forms.delete_expired, MINUTE, deletes=True),
    Duty("delete-paper-previews", previews.delete_expired, MINUTE, deletes=True),
    Duty("sync-tombstones", tombstones.sync, MINUTE),
    Duty("sync-narrowings", narrowings.sync_what_is_new, MINUTE),
    Duty("recount", alarms.recount, MINUTE, partial(audit_log.is_due_again, AuditAction.RECOUNT), queue=LONG),
    Duty("empty-void-deliveries", retention.delete_void_packages, MINUTE),
    # Before the check: what an upgrade or a restore left is no difference.
    Duty(
        "prune", retention.prune, MINUTE, partial(audit_log.is_due_again, AuditAction.PRUNE), deletes=True, queue=LONG
    ),
    Duty("reconcile", _reconcile, MINUTE, partial(audit_log.is_due_again, AuditAction.RECONCILE), queue=LONG),
    Duty("delete-old-submissions", retention.delete_old_submissions, HOUR, deletes=True),
    Duty("refresh-search-keys", search_keys.refresh_recent, HOUR, queue=LONG),
    Duty("delete-network-digests", retention.delete_network_digests, HOUR, deletes=True),
    Duty("delete-task-results", _delete_task_results, HOUR, deletes=True),
)


@background(queue=SHORT)
def run_duties(names: Sequence[str] | None = None) -> dict[str, str]:
    """Runs the duties with these names (all, when None). A duty that fails never stops the next one.

    Returns the names of the duties that failed, each with the name of its exception. An alarm is raised for them, and
    each is tried again at its next turn. A lost connection to the database raises no alarm.

    Raises:
        TaskFailed: when the database is away.
    """
    duties = _without_deleting([duty for duty in DUTIES if names is None or duty.name in names])
    failures = {duty: error for duty in duties if (error := _run(duty))}
    if failures:
        described = ", ".join(f"{duty.name} ({error})" for duty, error in failures.items())
        until = timezone.now() + max(duty.every for duty in failures) + alarms.ACTIVE_FOR
        alarms.raise_alarm(AlarmCode.DUTY_FAILED, f"Duties of the worker failed: {described}."[:300], until)
    return {duty.name: error for duty, error in failures.items()}


def _without_deleting(duties: list[Duty]) -> list[Duty]:
    """Returns the duties without those that delete, if the clock is in doubt; then an alarm is raised."""
    if not any(duty.deletes for duty in duties) or not (doubt := clock.doubt()):
        return duties
    alarms.raise_alarm(AlarmCode.CLOCK, doubt, timezone.now() + alarms.ACTIVE_FOR)
    return [duty for duty in duties if not duty.deletes]


def _run(duty: Duty) -> str:
    """Runs one duty. Returns the name of the exception that ended it, or an empty string."""
    try:
        if duty.is_due():
            duty.work()
    except Exception as error:
        log.exception("duty %s failed", duty.name)
        if not isinstance(error, DatabaseError) or connection.is_usable():
            return type(error).__name__
        connection.close()
        connection.ensure_connection()
    return ""
