"""Bulk rules are started by the number of their preview, run in batches, and undone exactly."""

import json

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from campaign.models import Letter
from signatures import counts, tasks, transitions
from signatures.models import AuditEntry, BulkRuleChange, Signature, Submission, Tombstone
from signatures.moderation import bulk_rule_runs, bulk_rules, decisions
from signatures.signing import changes, confirmation, withdrawal
from signatures.states import State, Visibility
from tests import single_decisions
from tests.factories import make_signature, make_submission, signer_input
from tests.moderation.bulk_rules import (
    BOT,
    ENDED,
    Step,
    counted,
    everything,
    fresh,
    fresh_state,
    key_of,
    make_signatures_of_all_kinds,
    origin_of_bots,
    rule_of,
    run_to_end,
    start,
    undo_to_end,
)

pytestmark = pytest.mark.django_db


def test_a_rule_rejects_signatures_flags_submissions_and_leaves_the_rest(letter: Letter, moderator: User) -> None:
    make_signatures_of_all_kinds(letter)
    before = everything()
    rule = run_to_end(rule_of(letter, moderator, origin=origin_of_bots(moderator)), moderator)

    for number, row in everything().items():
        was = before[number]
        if key_of("bots.example") not in was["domains"] or was.get("state") in ENDED:
            assert row == was
        elif "state" not in was:
            assert row == was | {"flags": [*was["flags"], "invalidated"]}
        else:
            flags = [flag for flag in was["flags"] if flag != "hold"]
            assert row == was | {"state": State.REJECTED, "approved_on": None, "flags": flags}
    assert (rule.step, rule.rejected, rule.flagged) == (Step.DONE, 36, 18)
    assert bulk_rules.preview(rule).number == 0


def test_A6_undo_restores_every_row_and_every_count_exactly(
    letter: Letter, moderator: User, small_batches: None
) -> None:
    make_signatures_of_all_kinds(letter)
    before, counts_before = everything(), counted(letter)

    rule = run_to_end(rule_of(letter, moderator, origin=origin_of_bots(moderator)), moderator)
    while_it_is_done = counted(letter)
    rule = undo_to_end(rule, moderator)

    assert everything() == before
    assert counted(letter) == counts_before != while_it_is_done
    assert (rule.step, rule.undone, rule.left_alone) == (Step.UNDONE, 54, 0)
    counts.fold_deltas()
    assert counted(letter) == counts_before


def test_A6_starting_a_rule_needs_the_number_of_its_preview(letter: Letter, moderator: User) -> None:
    for _each in range(3):
        make_signature(letter, BOT)
    rule = rule_of(letter, moderator, name_pattern="bot*")
    with pytest.raises(transitions.TransitionNotAllowed):
        bulk_rule_runs.start(rule, by=moderator.pk, shown=3, typed=4)
    assert not bulk_rule_runs.run(rule.pk) and fresh(rule).step == Step.DRAFT
    make_signature(letter, BOT)  # a small difference is tolerated
    assert bulk_rule_runs.start(rule, by=moderator.pk, shown=3, typed=3).expected == 3
    with pytest.raises(transitions.TransitionNotAllowed):
        bulk_rule_runs.start(rule, by=moderator.pk, shown=4, typed=4)


def test_A6_a_rule_goes_back_to_its_preview_when_the_number_has_changed(letter: Letter, moderator: User) -> None:
    rule = rule_of(letter, moderator, name_pattern="bot*")
    for _each in range(12):
        make_signature(letter, BOT)
    bulk_rule_runs.start(rule, by=moderator.pk, shown=1, typed=1)
    assert not bulk_rule_runs.run(rule.pk)
    assert (fresh(rule).step, rule.has_changed) == (Step.DRAFT, True) and rule.seen and rule.seen["number"] == 12
    assert not AuditEntry.objects.filter(action="invalidate").exists()
    bulk_rule_runs.start(rule, by=moderator.pk, shown=12, typed=12)
    bulk_rule_runs.run(rule.pk)
    assert fresh(rule).rejected == 12


def test_a_preview_that_takes_too_long_is_left_to_a_task(
    letter: Letter, moderator: User, ada: Signature, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = rule_of(letter, moderator, country="GB")
    with monkeypatch.context() as patch:
        patch.setattr(bulk_rules, "_PREVIEW", f"{bulk_rules._PREVIEW}, pg_sleep(5)")
        assert not bulk_rules.save_preview(rule, by=moderator.pk, within=0.05) and fresh(rule).seen is None
    tasks.preview_bulk_rule.call(rule.pk, moderator.pk)
    seen = fresh(rule).seen
    assert seen and (seen["number"], seen["cells"], seen["examples"]) == (1, [["approved", "public", 1]], [ada.pk])


def test_O17_after_a_preview_the_limit_of_its_transaction_is_that_of_before(
    letter: Letter, moderator: User, ada: Signature
) -> None:
    """Behind a pooler, PostgreSQL's default is no limit at all."""
    rule = rule_of(letter, moderator, country="GB")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '77s'")
        assert bulk_rules.save_preview(rule, by=moderator.pk, within=60)
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("77s",)


def test_a_rule_that_matches_nobody_does_not_start(letter: Letter, moderator: User) -> None:
    with pytest.raises(transitions.TransitionNotAllowed):
        start(rule_of(letter, moderator, country="RU"), moderator)


def test_signatures_after_the_start_are_not_changed(letter: Letter, moderator: User) -> None:
    early = make_signature(letter, BOT)
    rule = start(rule_of(letter, moderator, name_pattern="bot*"), moderator)
    late = make_signature(letter, BOT)
    bulk_rule_runs.run(rule.pk)
    assert [fresh_state(early), fresh_state(late)] == [State.REJECTED, State.APPROVED]


def test_a_run_continues_in_the_next_turn(letter: Letter, moderator: User, small_batches: None) -> None:
    make_signatures_of_all_kinds(letter)
    rule = start(rule_of(letter, moderator, language="en"), moderator)
    assert bulk_rule_runs.run(rule.pk, seconds=0) and fresh(rule).taken == 7
    while bulk_rule_runs.run(rule.pk, seconds=0):
        pass
    assert fresh(rule).step == Step.DONE and rule.taken == rule.expected == 108


def test_a_canceled_rule_stops_between_batches_and_can_be_undone(
    letter: Letter, moderator: User, small_batches: None
) -> None:
    make_signatures_of_all_kinds(letter)
    before, counts_before = everything(), counted(letter)
    rule = start(rule_of(letter, moderator, language="en"), moderator)
    while not fresh(rule).rejected:
        bulk_rule_runs.run(rule.pk, seconds=0)

    bulk_rule_runs.cancel(rule, by=moderator.pk)

    assert not bulk_rule_runs.run(rule.pk) and fresh(rule).taken == 43 == BulkRuleChange.objects.count()
    assert (rule.flagged, rule.rejected) == (36, 7)
    assert counted(letter) != counts_before
    with pytest.raises(transitions.TransitionNotAllowed):
        bulk_rule_runs.cancel(rule, by=moderator.pk)
    rule = undo_to_end(rule, moderator)
    assert (rule.step, rule.undone, everything(), counted(letter)) == (Step.UNDONE, 43, before, counts_before)


def test_only_a_rule_that_has_ended_is_undone_and_only_once(letter: Letter, moderator: User, ada: Signature) -> None:
    rule = rule_of(letter, moderator, country="GB")
    for verb in (bulk_rule_runs.undo, bulk_rule_runs.cancel):
        with pytest.raises(transitions.TransitionNotAllowed):
            verb(rule, by=moderator.pk)
    start(rule, moderator)
    with pytest.raises(transitions.TransitionNotAllowed):
        bulk_rule_runs.undo(rule, by=moderator.pk)
    with pytest.raises(transitions.TransitionNotAllowed):
        bulk_rule_runs.discard(rule, by=moderator.pk)
    bulk_rule_runs.run(rule.pk)
    undo_to_end(rule, moderator)
    with pytest.raises(transitions.TransitionNotAllowed):
        bulk_rule_runs.undo(rule, by=moderator.pk)


def test_the_undo_leaves_signatures_alone_that_changed_meanwhile(
    letter: Letter, moderator: User, small_batches: None, words: dict[str, str]
) -> None:
    rows = [make_signature(letter, f"{BOT} {n}", flags=["rate"], country="RU") for n in range(30)]
    before = everything()
    rule = run_to_end(rule_of(letter, moderator, country="RU"), moderator)
    approved, flipped, withdrawn, erased, changed, undone = rows[:6]
    single_decisions.approve(approved, by=moderator.pk)
    single_decisions.approve(flipped, by=moderator.pk)
    single_decisions.reject(flipped, by=moderator.pk, reason="Looked at")
    withdrawal.withdraw(withdrawn)
    withdrawal.erase(erased)
    typed = signer_input(changed.translation, name=changed.name, country="RU", visibility=Visibility.DELIVERY)
    changes.change(changed, typed)
    decisions.undo(undone, by=moderator.pk)
    acted = everything()

    rule = undo_to_end(rule, moderator)

    after = everything()
    for row in rows[:5]:
        assert after.get(row.pk) == acted.get(row.pk)
    assert {row.pk: after[row.pk] for row in rows[5:]} == {row.pk: before[row.pk] for row in rows[5:]}
    assert (rule.undone, rule.left_alone, rule.taken) == (24, 6, 30)
    counted(letter)


def test_signers_can_withdraw_and_erase_during_a_run(letter: Letter, moderator: User, small_batches: None) -> None:
    rows = [make_signature(letter, f"{BOT} {n}", country="RU") for n in range(30)]
    rule = start(rule_of(letter, moderator, country="RU"), moderator)
    bulk_rule_runs.run(rule.pk, seconds=0)
    withdrawal.withdraw(rows[0])  # taken already
    withdrawal.withdraw(rows[29])  # not yet
    withdrawal.erase(rows[28])
    bulk_rule_runs.run(rule.pk)
    assert fresh(rule).taken == 28
    rule = undo_to_end(rule, moderator)
    assert (rule.undone, rule.left_alone) == (27, 1)
    assert (
        counts.for_letter(letter.pk).total
        == 27
        == counted(letter)[(State.APPROVED, Visibility.PUBLIC, False, "person")]
    )


def test_a_flagged_submission_waits_when_it_is_confirmed(letter: Letter, moderator: User) -> None:
    Letter.objects.update(moderation=Letter.Moderation.AFTER)
    letter.refresh_from_db()
    flagged = make_submission(letter, BOT, Visibility.COUNTED, country="RU")
    rule = run_to_end(rule_of(letter, moderator, country="RU"), moderator)

    taken = confirm(flagged)

    assert (taken.state, taken.flags) == (State.WAITING, ["invalidated"])
    rule = undo_to_end(rule, moderator)
    taken.refresh_from_db()
    assert (taken.state, taken.flags, rule.undone) == (State.WAITING, [], 1)
    assert decisions.approve_unflagged() == 1
    counted(letter)


def confirm(row: Submission) -> Signature:
    text = row.letter.revisions.get().translations.get()
    typed = signer_input(text, name=row.name, country=row.country, visibility=row.visibility)
    confirmation.confirm(row, typed)
    return Signature.objects.get(pk=row.pk)


def test_a_submission_that_is_confirmed_during_a_run_is_rejected_as_well(
    letter: Letter, moderator: User, small_batches: None
) -> None:
    rows = [make_submission(letter, f"{BOT} {n}", country="RU") for n in range(9)]
    rule = start(rule_of(letter, moderator, country="RU"), moderator)
    bulk_rule_runs.run(rule.pk, seconds=0)  # seven
    flagged, not_yet = confirm(rows[0]), confirm(rows[8])
    bulk_rule_runs.run(rule.pk)
    assert [fresh_state(flagged), fresh_state(not_yet)] == [State.WAITING, State.REJECTED]
    assert (fresh(rule).flagged, rule.rejected) == (8, 1)
    undo_to_end(rule, moderator)
    flagged.refresh_from_db()
    assert (rule.undone, flagged.flags, fresh_state(not_yet)) == (9, [], State.WAITING)
    assert not Submission.objects.exclude(flags=[]).exists()


def test_the_undo_removes_no_flag_after_a_decision_and_counts_no_submission_that_was_deleted(
    letter: Letter, moderator: User
) -> None:
    deleted, decided = (make_submission(letter, BOT, country="RU") for _each in range(2))
    rule = run_to_end(rule_of(letter, moderator, country="RU"), moderator)
    withdrawal.not_me(deleted)
    assert Tombstone.objects.get().rules == [rule.pk], "so that its flag ends with the rule"
    single_decisions.approve(confirm(decided), by=moderator.pk)
    before = everything()
    rule = undo_to_end(rule, moderator)
    assert (everything(), rule.left_alone) == (before, 2)


def test_single_signatures_of_a_rule_can_be_undone_or_approved(
    letter: Letter, moderator: User, ada: Signature, cleo: Signature
) -> None:
    Signature.objects.update(country="RU", flags=["hold", "rate"])
    before = everything()
    rule = run_to_end(rule_of(letter, moderator, country="RU"), moderator)
    decisions.undo(ada, by=moderator.pk)
    assert everything()[ada.pk] == before[ada.pk]
    single_decisions.approve(cleo, by=moderator.pk)
    decisions.undo(cleo, by=moderator.pk)
    assert fresh_state(cleo) == State.REJECTED
    with pytest.raises(transitions.TransitionNotAllowed):
        decisions.undo(ada, by=moderator.pk)
    assert undo_to_end(rule, moderator).left_alone == 2


def test_every_step_and_every_transition_is_in_the_audit_log_without_names(
    letter: Letter, moderator: User, ada: Signature, ben: Submission
) -> None:
    rule = run_to_end(rule_of(letter, moderator, language="en"), moderator)
    undo_to_end(rule, moderator)
    bulk_rule_runs.discard(rule_of(letter, moderator, language="en"), by=moderator.pk)
    entries = AuditEntry.objects.order_by("pk")
    assert list(entries.filter(action__startswith="rule-").values_list("action", "staff_id")) == [
        ("rule-made", moderator.pk), ("rule-started", moderator.pk), ("rule-done", None), ("rule-undo", moderator.pk),
        ("rule-undone", None), ("rule-made", moderator.pk), ("rule-dropped", moderator.pk),
    ]  # fmt: skip
    moves = entries.filter(signature_id__isnull=False).values_list("action", "signature_id", "was", "now", "staff_id")
    assert list(moves) == [
        ("invalidate", ada.pk, "approved", "rejected", moderator.pk), ("undo", ada.pk, "rejected", "approved", moderator.pk),
    ]  # fmt: skip
    assert [entry.detail["number"] for entry in entries.filter(action__in=["rule-done", "rule-undone"])] == [2, 2]
    assert {entry.detail["rule"] for entry in entries.filter(signature_id__isnull=False)} == {rule.pk}
    assert "Lovelace" not in json.dumps(list(entries.values()), default=str)
