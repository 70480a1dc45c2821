"""A clock that jumps deletes nothing (threat model O19)."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from campaign.models import Letter
from campaign.runtime import clock
from signatures import tasks
from signatures.audit import audit_log
from signatures.models import Alarm, AuditEntry, OutboxMail, RateBucket, Submission
from signatures.registries import AlarmCode, AuditAction
from tests.factories import make_submission

pytestmark = pytest.mark.django_db
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def own_var_dir(tmp_path: Any, settings: Any) -> None:
    settings.VAR_DIR = tmp_path


def worked(at: datetime) -> None:
    """The worker finished something at this time."""
    DBTaskResult.objects.create(
        id=uuid.uuid4(), task_path="signatures.tasks.run_duties", finished_at=at, args_kwargs={"args": [], "kwargs": {}}
    )


def actions() -> set[str]:
    return set(AuditEntry.objects.values_list("action", flat=True))


def test_what_is_old_goes_while_the_clock_is_right(letter: Letter) -> None:
    worked(timezone.now() - 2 * HOUR)
    make_submission(letter, "Old", signed_up_at=timezone.now() - 8 * DAY)
    assert tasks.run_duties.call() == {}
    assert not Submission.objects.exists() and not Alarm.objects.filter(code=AlarmCode.CLOCK).exists()


def test_O19_a_clock_that_is_days_from_that_of_the_database_deletes_nothing(
    letter: Letter, admin_user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_submission(letter, "New")
    RateBucket.objects.create(key=b"k", scope="mail", count=1, max_count=9, until=timezone.now() + DAY)
    later = timezone.now() + 8 * DAY
    monkeypatch.setattr(timezone, "now", lambda: later)

    assert tasks.run_duties.call() == {}
    with pytest.raises(CommandError, match=r"^The clocks of this machine and of the database differ by 8 days\.$"):
        call_command("prune")

    assert Submission.objects.exists() and RateBucket.objects.exists()
    assert AuditAction.RECOUNT in actions() and AuditAction.PRUNE not in actions(), "the other duties go on"
    assert OutboxMail.objects.filter(staff_id=admin_user.pk, topic=AlarmCode.CLOCK).exists()


def test_O19_a_clock_that_jumps_with_that_of_the_database_deletes_nothing_for_an_hour(letter: Letter) -> None:
    """As the worker sees it that has run until the jump, and then goes on."""
    make_submission(letter, "Seems old", signed_up_at=timezone.now() - 8 * DAY)
    worked(timezone.now() - 8 * DAY)
    worked(timezone.now() - timedelta(minutes=59))

    assert tasks.run_duties.call() == {}
    assert Submission.objects.exists()
    assert "nothing is deleted" in Alarm.objects.get(code=AlarmCode.CLOCK).sentence

    worked(timezone.now() - timedelta(minutes=61))
    assert clock.doubt() == ""
    tasks.run_duties.call()
    assert not Submission.objects.exists()


def test_O19_a_new_site_may_delete_at_once() -> None:
    worked(timezone.now())
    assert clock.doubt() == ""


def test_O19_every_duty_that_deletes_by_age_says_so() -> None:
    named = {duty.name for duty in tasks.DUTIES if duty.name.startswith("delete-") or duty.name == "prune"}
    assert {duty.name for duty in tasks.DUTIES if duty.deletes} == named


def test_O19_a_check_that_a_wrong_clock_recorded_in_the_future_does_not_stop_the_nightly_ones() -> None:
    audit_log.record(AuditAction.RECOUNT)
    assert not audit_log.is_due_again(AuditAction.RECOUNT)
    later = timezone.now() - 8 * DAY  # seen from here, the entry is eight days ahead
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "now", lambda: later)
        assert audit_log.is_due_again(AuditAction.RECOUNT)
