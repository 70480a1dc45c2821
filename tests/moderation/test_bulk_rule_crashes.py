"""A bulk rule that runs several times at once, or is killed, does no harm."""

import os
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from campaign.models import Letter
from signatures import tasks
from signatures.models import AuditEntry, BulkRule, BulkRuleChange, Signature
from signatures.moderation import bulk_rule_runs, bulk_rules
from tests.moderation.bulk_rules import Step, counted, everything, fresh, make_signatures_of_all_kinds, rule_of, start

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_simultaneous_runs_of_one_rule_do_no_harm(letter: Letter, moderator: User, small_batches: None) -> None:
    make_signatures_of_all_kinds(letter, times=1)
    before, counts_before = everything(), counted(letter)
    rule = start(rule_of(letter, moderator, language="en"), moderator)

    run_in_three_threads(rule)
    assert (fresh(rule).step, rule.taken, BulkRuleChange.objects.count()) == (Step.DONE, 54, 54)
    assert AuditEntry.objects.filter(action="invalidate").count() == rule.rejected == 36
    bulk_rule_runs.undo(rule, by=moderator.pk)
    run_in_three_threads(rule)
    assert (fresh(rule).step, rule.undone, everything(), counted(letter)) == (Step.UNDONE, 54, before, counts_before)


def run_in_three_threads(rule: BulkRule) -> None:
    def work() -> None:
        bulk_rule_runs.run(rule.pk)
        connection.close()

    threads = [threading.Thread(target=work) for _each in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


CHILD = """
import sys, django
django.setup()
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
from signatures.moderation import bulk_rule_runs
bulk_rule_runs.BATCH_SIZE = 7
print("at work", flush=True)
bulk_rule_runs.run(int(sys.argv[2]))
"""


def killed_at(rule: BulkRule, row: int) -> None:
    """Start a process that runs the rule, and kill it with -9 while it waits for this row in the middle of a batch."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", CHILD, connection.settings_dict["NAME"], str(rule.pk)]
    with transaction.atomic():
        Signature.objects.select_for_update().get(pk=row)
        with subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR) as child:
            while not is_anybody_waiting():
                assert child.poll() is None
                time.sleep(0.02)
            child.kill()
    while fresh(rule) and is_locked(rule):
        time.sleep(0.02)


def is_anybody_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees the same activity for ever
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def is_locked(rule: BulkRule) -> bool:
    """Whether the server has not yet noticed that its client is dead."""
    with transaction.atomic():
        return not BulkRule.objects.select_for_update(skip_locked=True).filter(pk=rule.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_a_run_that_was_killed_in_the_middle_of_a_batch_continues(
    letter: Letter, moderator: User, small_batches: None
) -> None:
    make_signatures_of_all_kinds(letter, times=1)
    before, counts_before = everything(), counted(letter)
    rule = start(rule_of(letter, moderator, language="en"), moderator)
    numbers = list(bulk_rules.matching(rule).order_by("pk").values_list("pk", flat=True))

    killed_at(rule, numbers[17])  # the fourth of the third batch; the 18 submissions were flagged before
    assert (fresh(rule).step, rule.taken, BulkRuleChange.objects.count()) == (Step.RUNNING, 32, 32)
    counted(letter)
    assert bulk_rule_runs.stalled() == []
    BulkRule.objects.update(beat_at=timezone.now() - timedelta(minutes=2))
    assert bulk_rule_runs.stalled() == [rule.pk]
    assert tasks.run_duties.call() == {}
    tasks.run_bulk_rule.call(rule.pk)
    assert (fresh(rule).step, rule.taken) == (Step.DONE, 54)

    bulk_rule_runs.undo(rule, by=moderator.pk)
    killed_at(rule, numbers[10])
    assert (fresh(rule).step, rule.undone) == (Step.UNDOING, 7)
    counted(letter)
    tasks.run_bulk_rule.call(rule.pk)
    assert (fresh(rule).step, rule.undone, everything(), counted(letter)) == (Step.UNDONE, 54, before, counts_before)
