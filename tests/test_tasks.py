"""The worker's regular duties: a duty that fails never stops the next one, raises an alarm, and is tried again."""

import itertools
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from signatures import tasks
from signatures.management.commands import worker
from signatures.models import Alarm, AuditEntry, OutboxMail
from signatures.moderation import bulk_rule_runs
from signatures.monitoring import alarms
from signatures.registries import AlarmCode, AuditAction
from signatures.tasks import HALF_A_MINUTE, MINUTE, Duty

DAILY_ACTIONS = {AuditAction.RECOUNT, AuditAction.RECONCILE, AuditAction.PRUNE}


@pytest.fixture(autouse=True)
def own_var_dir(tmp_path: Path, settings: Any) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path


def refused() -> None:
    raise PermissionError("/srv/somewhere/tombstones.part")


def raised() -> Alarm:
    return alarms.active(timezone.now()).get(code=AlarmCode.DUTY_FAILED)


def actions() -> set[str]:
    return set(AuditEntry.objects.values_list("action", flat=True))


@pytest.mark.django_db
def test_tombstones_that_cannot_be_written_stop_neither_retention_nor_the_nightly_count(
    own_var_dir: Path, settings: Any
) -> None:
    settings.VAR_DIR = own_var_dir / "file"
    settings.VAR_DIR.touch()  # no folder

    failed = dict.fromkeys(("sync-tombstones", "sync-narrowings"), "NotADirectoryError")
    assert tasks.run_duties.call() == failed

    assert actions() >= DAILY_ACTIONS, "the duties behind it were done"
    assert "sync-tombstones (NotADirectoryError)" in raised().sentence and "srv" not in raised().sentence

    settings.VAR_DIR = own_var_dir
    assert tasks.run_duties.call() == {}, "it was tried again"
    assert (own_var_dir / "tombstones.csv").is_file()


@pytest.mark.django_db
@pytest.mark.parametrize("broken", [duty.name for duty in tasks.DUTIES])
def test_O20_no_duty_that_fails_stops_the_others(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    duties = tuple(
        Duty(duty.name, refused if duty.name == broken else partial(done.append, duty.name), duty.every)
        for duty in tasks.DUTIES
    )
    monkeypatch.setattr(tasks, "DUTIES", duties)

    for _turn in range(2):
        assert tasks.run_duties.call() == {broken: "PermissionError"}

    assert done == 2 * [duty.name for duty in duties if duty.name != broken]
    assert f"{broken} (PermissionError)" in raised().sentence
    assert AuditEntry.objects.filter(action=AuditAction.ALARM).count() == 1, "staff are told once"
    assert raised().until > timezone.now() + next(duty.every for duty in duties if duty.name == broken)


@pytest.mark.django_db
def test_O20_a_duty_whose_question_fails_is_a_failure_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "DUTIES", (Duty("recount", lambda: None, MINUTE, is_due=refused),))  # type: ignore[arg-type]
    assert tasks.run_duties.call() == {"recount": "PermissionError"}


@pytest.mark.django_db
def test_the_alarm_is_mailed_to_staff_and_names_no_path(admin_user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "DUTIES", (Duty("prune", refused, MINUTE),))
    tasks.run_duties.call()
    assert OutboxMail.objects.get(staff_id=admin_user.pk).topic == AlarmCode.DUTY_FAILED
    assert "tombstones.part" not in AuditEntry.objects.get(action=AuditAction.ALARM).reason


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_lost_raises_no_alarm_and_the_next_duty_has_a_new_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lose_connection() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    duties = (Duty("first", lose_connection, MINUTE), Duty("second", alarms.recount, MINUTE))
    monkeypatch.setattr(tasks, "DUTIES", duties)
    assert tasks.run_duties.call() == {}
    assert actions() == {AuditAction.RECOUNT}
    assert not Alarm.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_error_of_a_database_that_is_there_is_an_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_disk() -> None:
        connection.ensure_connection()
        raise OperationalError("could not extend file: No space left on device")

    monkeypatch.setattr(tasks, "DUTIES", (Duty("prune", fill_disk, MINUTE),))
    assert tasks.run_duties.call() == {"prune": "OperationalError"}
    assert raised()


def test_every_duty_has_a_name_of_its_own_and_an_interval() -> None:
    names = [duty.name for duty in tasks.DUTIES]
    assert len(set(names)) == len(names) > 10
    assert all(timedelta(seconds=1) < duty.every <= timedelta(hours=1) for duty in tasks.DUTIES)


class Clock:
    """Time that passes only while the worker waits; ends it after some seconds."""

    def __init__(self, seconds: int) -> None:
        self.now, self.end = 1000.0, 1000.0 + seconds

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return self.now > self.end


def turns(
    seconds: int, enqueue: Callable[[list[str]], object], monkeypatch: pytest.MonkeyPatch, queue: str = tasks.SHORT
) -> None:
    clock = Clock(seconds)
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(worker, "run_tasks", lambda _queue, **_most: None)
    enqueued = type("Task", (), {"enqueue": staticmethod(enqueue)})
    monkeypatch.setattr(tasks, "run_duties", type("Task", (), {"using": lambda **_queue: enqueued}))
    worker._run_schedule(queue, clock)  # type: ignore[arg-type]


def test_each_duty_has_its_turn_at_its_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    enqueued: list[str] = []

    def enqueue(names: list[str]) -> object:
        enqueued.extend(names)
        return True

    for queue in (tasks.SHORT, tasks.LONG):
        with monkeypatch.context() as patch:
            turns(7300, enqueue, patch, queue)
    assert {duty.name: enqueued.count(duty.name) for duty in tasks.DUTIES} == {
        duty.name: 1 + int(7299 / duty.every.total_seconds()) for duty in tasks.DUTIES
    }


def test_a_turn_that_could_not_be_enqueued_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[list[str]] = []

    def enqueue(names: list[str]) -> object:
        attempts.append(names)
        if len(attempts) < 3:
            raise OperationalError("the database is away")
        return True

    turns(20, enqueue, monkeypatch)
    assert attempts == 3 * [[duty.name for duty in tasks.DUTIES if duty.queue == tasks.SHORT]]


@pytest.mark.django_db(transaction=True)
def test_the_worker_runs_every_duty_as_one_task(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks.run_duties.enqueue(["recount"])
    worker.run_tasks()
    assert actions() == {AuditAction.RECOUNT}
    assert not DBTaskResult.objects.exclude(status="SUCCESSFUL").exists()


@pytest.mark.django_db(transaction=True)
def test_a_task_that_enqueues_itself_again_and_again_keeps_no_duty_from_its_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a bulk rule does that takes minutes: each turn is one of 20 seconds."""
    clock, turns, folded = Clock(300), [], []
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)

    def work(number: int) -> bool:
        clock.now += 20
        turns.append(number)
        return len(turns) < 12

    monkeypatch.setattr(bulk_rule_runs, "run", work)
    monkeypatch.setattr(tasks, "DUTIES", (Duty("fold", lambda: folded.append(len(turns)), HALF_A_MINUTE),))
    tasks.run_bulk_rule.enqueue(1)
    worker._run_schedule(tasks.SHORT, clock)  # type: ignore[arg-type]
    assert len(turns) == 12 and len(folded) >= 6
    assert all(later - earlier <= 2 for earlier, later in itertools.pairwise(folded))


@pytest.mark.django_db(transaction=True)
def test_R5_what_is_stored_of_a_task_that_failed_holds_no_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_by: int | None) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 'Ada Lovelace'::integer")
        return 0

    monkeypatch.setattr(alarms, "recount", refuse)
    tasks.recount.enqueue()
    worker.run_tasks()
    (failed,) = DBTaskResult.objects.all()
    assert failed.status == "FAILED"
    assert failed.traceback.endswith("TaskFailed: DataError\n")
    assert "Lovelace" not in failed.traceback


@pytest.mark.django_db
def test_results_of_both_queues_are_deleted_after_a_day() -> None:
    for queue in (tasks.SHORT, tasks.LONG):
        for hours in (1, 48):
            DBTaskResult.objects.create(
                task_path="signatures.tasks.run_duties", queue_name=queue, status="SUCCESSFUL", backend_name="default",
                finished_at=timezone.now() - timedelta(hours=hours), args_kwargs={"args": [], "kwargs": {}},
            )  # fmt: skip
    (duty,) = (duty for duty in tasks.DUTIES if duty.name == "delete-task-results")
    duty.work()
    assert sorted(DBTaskResult.objects.values_list("queue_name", flat=True)) == sorted([tasks.SHORT, tasks.LONG])
