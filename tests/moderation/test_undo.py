"""Undoing decisions: of one click exactly those entries that still are the last word, and of flags the difference."""

from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from campaign.models import Letter
from signatures import tasks, transitions
from signatures.audit import audit_log
from signatures.models import AuditEntry, OutboxMail, Signature
from signatures.moderation import decisions, own_decisions, reports, undo_runs
from signatures.registries import AuditAction
from signatures.signing import changes, withdrawal
from signatures.states import State
from signatures.values import sealing
from tests import single_decisions
from tests.moderation.waiting_rows import QUEUE, make_waiting, state_of

pytestmark = pytest.mark.django_db


def approve_all(client: Client, rows: list[Signature]) -> None:
    client.post(QUEUE, {"action": "approve", "_selected_action": [row.pk for row in rows], "index": "0"})


def undo(client: Client, decision: own_decisions.OwnDecision) -> str:
    return client.post(QUEUE, {"undo_mine": decision.key}, follow=True).content.decode()


def states(rows: list[Signature]) -> list[str]:
    return [state_of(row)[0] for row in rows]


# One click


def test_A7_undoing_a_batch_leaves_what_the_same_moderator_decided_again(
    moderator_client: Client, moderator: User, letter: Letter
) -> None:
    rows = make_waiting(letter, 3)
    approve_all(moderator_client, rows)
    for row in rows[1:]:
        single_decisions.reject(row, by=moderator.pk, reason="made up")
    single_decisions.approve(rows[2], by=moderator.pk)
    *_later, batch = own_decisions.recent_decisions(moderator.pk)

    page = undo(moderator_client, batch)

    assert states(rows) == [State.WAITING, State.REJECTED, State.APPROVED]
    assert "1 decision undone." in page and "2 signatures were not changed: decided again since" in page


def test_undoing_a_batch_leaves_a_decision_about_somebody_else_whose_entry_lies_between(
    moderator_client: Client, moderator: User, letter: Letter
) -> None:
    rows = make_waiting(letter, 3)
    approve_all(moderator_client, rows[:1])
    approve_all(moderator_client, rows[1:])
    newest, oldest = own_decisions.recent_decisions(moderator.pk)
    moderator_client.post(QUEUE, {"undo_mine": f"{oldest.first_entry}-{newest.last_entry}"})
    assert states(rows) == [State.APPROVED, State.WAITING, State.WAITING]


# Flags


def test_A7_undoing_a_hold_keeps_the_question_that_was_asked_since(
    moderator_client: Client, moderator: User, letter: Letter
) -> None:
    (row,) = make_waiting(letter, 1, flags=["link"])
    single_decisions.hold(row, by=moderator.pk)
    decisions.ask_question(row, by=moderator.pk, question="your-name")

    undo(moderator_client, own_decisions.recent_decisions(moderator.pk)[0])

    assert state_of(row) == (State.WAITING, ["link", "asked"]) and row.question == "your-name"


def test_undoing_a_hold_keeps_the_answer_that_came_since(
    moderator: User, moderator_client: Client, cleo: Signature
) -> None:
    decisions.ask_question(cleo, by=moderator.pk, question="your-name")
    single_decisions.hold(cleo, by=moderator.pk)
    decisions.ask_question(cleo, by=moderator.pk, question="your-name")
    changes.answer_question(cleo)
    decisions.undo(cleo, by=moderator.pk)
    assert state_of(cleo)[1] == ["asked", "answered"], "the former question is open again; none of the two is lost"


def test_undoing_an_approval_keeps_the_report_that_came_since(moderator: User, letter: Letter) -> None:
    (row,) = make_waiting(letter, 1, flags=["answered", "link"])
    single_decisions.approve(row, by=moderator.pk)
    Signature.objects.update(public_from="2020-01-01T00:00Z")
    reports.report_name(letter, row.public_id, why="made-up")
    assert state_of(row)[1] == ["link", "reported"]
    decisions.undo(row, by=moderator.pk)
    assert state_of(row) == (State.WAITING, ["answered", "link", "reported"])


def test_undoing_a_decision_brings_no_flag_back_that_ended_by_itself(moderator: User, letter: Letter) -> None:
    (row,) = make_waiting(letter, 1, flags=["asked", "burst"])
    single_decisions.approve(row, by=moderator.pk)
    Signature.objects.update(flags=[])
    decisions.undo(row, by=moderator.pk)
    assert state_of(row)[1] == ["asked"]


# A question


def test_a_question_is_taken_back_with_its_flag_and_its_email(moderator: User, cleo: Signature) -> None:
    sealed = sealing.seal("cleo@example.org", public_key=settings.UPDATES_PUBLIC_KEY)
    Signature.objects.update(question_address=sealed)
    decisions.ask_question(cleo, by=moderator.pk, question="your-name")
    call_command("queue_questions", key=Path(settings.KEYS_DIR) / "updates.private")
    assert OutboxMail.objects.count() == 1

    decisions.undo(cleo, by=moderator.pk)

    assert (*state_of(cleo), cleo.question) == (State.WAITING, [], "") and not OutboxMail.objects.exists()
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.staff_id, entry.reason, entry.now) == ("undo-ask", moderator.pk, "your-name", "")
    with pytest.raises(transitions.TransitionNotAllowed):
        decisions.undo(cleo, by=moderator.pk)


def test_a_question_that_is_taken_back_gives_the_answer_to_the_former_one_back(
    moderator: User, cleo: Signature
) -> None:
    decisions.ask_question(cleo, by=moderator.pk, question="your-name")
    changes.answer_question(cleo)
    decisions.ask_question(cleo, by=moderator.pk, question="your-organization")
    decisions.undo(cleo, by=moderator.pk)
    assert (*state_of(cleo), cleo.question) == (State.WAITING, ["answered"], "your-name")


def test_undo_takes_the_question_back_before_the_decision_that_came_first(moderator: User, cleo: Signature) -> None:
    single_decisions.hold(cleo, by=moderator.pk)
    decisions.ask_question(cleo, by=moderator.pk, question="your-name")
    found = []
    for _each in range(2):
        decisions.undo(cleo, by=moderator.pk)
        found.append(state_of(cleo)[1])
    assert found == [["hold"], []]


# Many


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_decisions, "MAX_UNDONE", 3)
    monkeypatch.setattr(undo_runs, "BATCH_SIZE", 4)


@pytest.fixture
def decided(few: None, moderator_client: Client, letter: Letter) -> list[Signature]:
    rows = make_waiting(letter, 10)
    approve_all(moderator_client, rows)
    return rows


def test_A7_a_decision_about_many_is_undone_by_a_task_but_for_what_was_decided_since(
    decided: list[Signature], moderator_client: Client, moderator: User, colleague: User
) -> None:
    single_decisions.reject(decided[0], by=moderator.pk, reason="made up")
    single_decisions.reject(decided[5], by=colleague.pk, reason="made up")
    withdrawal.erase(decided[9])
    _rejection, batch = own_decisions.recent_decisions(moderator.pk)
    assert batch.title == "Approved 10 signatures", "also where only the last four entries are read"

    page = undo(moderator_client, batch)
    assert "The decision about 10 signatures is being undone." in page
    assert "A decision about 10 signatures is being undone: 10 left." in page
    assert set(states(decided[1:5])) == {State.APPROVED}, "the task does it"
    (number,) = undo_runs.unfinished()
    tasks.undo_decision.call(number)

    rejected = [State.REJECTED if n in {0, 5} else State.WAITING for n in range(9)]
    assert states(decided[:9]) == rejected and undo_runs.unfinished() == []
    page = moderator_client.get(QUEUE).content.decode()
    assert "Of a decision about 10 signatures 7 are undone; 3 were decided again since." in page
    kinds = AuditEntry.objects.filter(action__startswith="undo").order_by("pk").values_list("action", "staff_id")
    by = moderator.pk
    assert [*kinds] == [("undo-started", by), *[("undo", by)] * 7, ("undo-done", by)]


def test_A7_a_decision_about_many_leaves_what_colleagues_decided_the_same_way(
    decided: list[Signature], moderator_client: Client, moderator: User, colleague: User, letter: Letter
) -> None:
    others = make_waiting(letter, 2)
    for row in others:
        single_decisions.approve(row, by=colleague.pk)
    undo(moderator_client, own_decisions.recent_decisions(moderator.pk)[0])
    tasks.undo_decision.call(*undo_runs.unfinished())
    assert set(states(decided)) == {State.WAITING} and set(states(others)) == {State.APPROVED}


def test_a_run_that_died_goes_on_where_it_was_and_pressing_again_starts_no_other_one(
    decided: list[Signature], moderator_client: Client, moderator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    (batch,) = own_decisions.recent_decisions(moderator.pk)
    undo(moderator_client, batch)
    undo(moderator_client, batch)
    (number,) = undo_runs.unfinished()
    reverse = decisions.reverse

    def dies_at_the_second_batch(entries: list[int], **more: int) -> list[int]:
        if AuditEntry.objects.filter(action=AuditAction.UNDO).exists():
            raise ConnectionError
        return reverse(entries, **more)

    with monkeypatch.context() as patch:
        patch.setattr(decisions, "reverse", dies_at_the_second_batch)
        with pytest.raises(tasks.TaskFailed):
            tasks.undo_decision.call(number)
    assert states(decided).count(State.WAITING) == 4
    assert "is being undone: 6 left." in moderator_client.get(QUEUE).content.decode()

    assert tasks.run_duties.call(["resume-undoings"]) == {}
    tasks.undo_decision.call(number)
    assert set(states(decided)) == {State.WAITING}
    assert [(each.undone, each.left, each.is_done) for each in undo_runs.recent(moderator.pk)] == [(10, 0, True)]
    assert AuditEntry.objects.filter(action=AuditAction.UNDO_STARTED).count() == 1


def test_A7_a_decision_of_a_colleague_is_undone_by_no_range(
    few: None, moderator_client: Client, colleague: User, letter: Letter
) -> None:
    rows = make_waiting(letter, 5)
    decisions.decide(AuditAction.APPROVE, Signature.objects.all(), by=colleague.pk)
    moderator_client.post(QUEUE, {"undo_mine": f"1-{audit_log.newest_id()}"})
    assert undo_runs.unfinished() == [] and set(states(rows)) == {State.APPROVED}
