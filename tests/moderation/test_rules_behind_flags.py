"""Wherever the flag of a bulk rule goes, the undo of the rule reaches it: no row gets it from a rule that is undone."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction

from campaign.models import Letter
from signatures import tombstones
from signatures.models import BulkRule, BulkRuleChange, Signature, Submission, Tombstone
from signatures.moderation import bulk_rule_runs
from signatures.signing import confirmation, replacement, withdrawal
from signatures.states import State
from tests import single_decisions
from tests.factories import make_signature, make_submission, signer_input
from tests.moderation.bulk_rules import Step, fresh, rule_of, run_to_end, start, undo_to_end
from tests.moderation.test_bulk_rule_crashes import is_anybody_waiting
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db
ANNA = b"anna".ljust(32)


def typed_by_anna(letter: Letter, country: str = "RU", **fields: Any) -> Submission:
    return make_submission(letter, "Anna Keller", address_hash=ANNA, country=country, **fields)


def signed_by_anna(letter: Letter) -> Signature:
    return make_signature(letter, "Anna Keller", address_hash=ANNA, country="CH")


def confirm(row: Submission) -> Signature:
    confirmation.confirm(row, signer_input(row.translation, name=row.name, country=row.country))
    return Signature.objects.get(pk=row.pk)


def replace(row: Submission, signature: Signature) -> None:
    replacement.replace(row, signature, signer_input(row.translation, name=row.name, country=row.country))
    signature.refresh_from_db()


def replace_and(leave: Callable[[Signature], object]) -> Callable[[Submission, Signature], None]:
    def both(typed: Submission, signed: Signature) -> None:
        replace(typed, signed)
        leave(signed)

    return both


def run_rule(letter: Letter, by: User, **conditions: Any) -> BulkRule:
    return run_to_end(rule_of(letter, by, **(conditions or {"country": "RU"})), by)


def test_the_undo_reaches_the_signature_that_a_flagged_submission_replaced(letter: Letter, moderator: User) -> None:
    signed, typed = signed_by_anna(letter), typed_by_anna(letter)
    rule = run_rule(letter, moderator)
    replace(typed, signed)
    assert (signed.state, signed.flags) == (State.WAITING, ["invalidated"])

    rule = undo_to_end(rule, moderator)

    signed.refresh_from_db()
    assert (signed.flags, rule.undone, rule.left_alone) == ([], 1, 0)


LEAVINGS: dict[str, Callable[[Submission, Signature], Any]] = {
    "keep": replacement.keep,
    "not me": lambda typed, _signed: withdrawal.not_me(typed),
    "deleted": lambda typed, _signed: withdrawal.delete_submission(typed),
    "replaced, then withdrawn": replace_and(withdrawal.withdraw),
    "replaced, then erased": replace_and(withdrawal.erase),
}


@pytest.mark.parametrize("leaving", LEAVINGS)
def test_what_a_flagged_submission_left_passes_the_flag_on_as_long_as_the_rule_is_in_force(
    letter: Letter, moderator: User, leaving: str
) -> None:
    signed, typed = signed_by_anna(letter), typed_by_anna(letter)
    rule = run_rule(letter, moderator)
    LEAVINGS[leaving](typed, signed)
    Signature.objects.filter(pk=signed.pk, state=State.APPROVED).delete()  # its kind would stand in the way

    first = confirm(typed_by_anna(letter, "FR"))
    assert "invalidated" in first.flags, "whoever signs again does not get rid of it"
    undo_to_end(rule, moderator)
    first.refresh_from_db()
    assert "invalidated" not in first.flags, "the undo reaches who got it"

    first.delete()
    assert "invalidated" not in confirm(typed_by_anna(letter, "FR")).flags, "nobody gets it any more"


def test_a_flag_of_two_rules_stays_until_both_are_undone(letter: Letter, moderator: User) -> None:
    russian, french = typed_by_anna(letter, "RU", place=1), typed_by_anna(letter, "FR", place=2)
    rules = [run_rule(letter, moderator, country=country) for country in ("RU", "FR")]
    signed = confirm(russian)
    withdrawal.delete_submission(french)
    for rule, flags in zip(rules, (["invalidated"], []), strict=True):
        undo_to_end(rule, moderator)
        signed.refresh_from_db()
        assert signed.flags == flags


def test_the_undo_ends_where_one_flag_went_to_two_rows(letter: Letter, moderator: User) -> None:
    flagged, other = typed_by_anna(letter, "RU", place=1), typed_by_anna(letter, "FR", place=2)
    rule = run_rule(letter, moderator)
    signed = confirm(other)
    rule = undo_to_end(rule, moderator)
    signed.refresh_from_db()
    flagged.refresh_from_db()
    assert (signed.flags, flagged.flags, rule.step, rule.left_alone) == ([], [], Step.UNDONE, 0)


def test_the_undo_takes_the_flag_from_a_signature_that_the_same_rule_rejected_before(
    letter: Letter, moderator: User
) -> None:
    signed, typed = signed_by_anna(letter), typed_by_anna(letter)
    rule = run_rule(letter, moderator, name_pattern="anna *")
    replace(typed, signed)
    assert (signed.state, signed.flags) == (State.WAITING, ["invalidated", "rejected-before"])
    undo_to_end(rule, moderator)
    signed.refresh_from_db()
    assert (signed.state, signed.flags) == (State.WAITING, ["rejected-before"])


def test_nobody_gets_the_flag_of_a_rule_that_is_being_undone(
    letter: Letter, moderator: User, small_batches: None
) -> None:
    """The undo has passed the numbers of those who signed early."""
    signed = signed_by_anna(letter)
    for number in range(14):
        make_submission(letter, f"Bot {number}", country="RU")
    typed = typed_by_anna(letter)
    rule = run_rule(letter, moderator)
    bulk_rule_runs.undo(rule, by=moderator.pk)
    bulk_rule_runs.run(rule.pk, seconds=0)
    assert fresh(rule).step == Step.UNDOING and rule.looked_back > signed.pk
    typed.refresh_from_db()
    assert typed.flags == ["invalidated"]

    replace(typed, signed)

    assert signed.flags == [] and Tombstone.objects.get(public_id=tombstones.hidden(typed.public_id)).flags == []
    assert fresh_step_after(rule) == Step.UNDONE


def fresh_step_after(rule: BulkRule) -> str:
    assert not bulk_rule_runs.run(rule.pk)
    return fresh(rule).step


def test_a_flag_of_which_no_rule_is_known_is_passed_on(letter: Letter, moderator: User) -> None:
    """That of a tombstone from before rules were noted, or from the file beside the database."""
    typed = typed_by_anna(letter)
    run_rule(letter, moderator)
    withdrawal.delete_submission(typed)
    Tombstone.objects.update(rules=[])
    BulkRuleChange.objects.all().delete()
    assert confirm(typed_by_anna(letter, "FR")).flags == ["invalidated"]


def test_a_decision_is_left_alone_and_passes_no_flag_on_once_the_rule_is_undone(
    letter: Letter, moderator: User
) -> None:
    letter.signers_per_mailbox = 2
    letter.save()
    typed = typed_by_anna(letter)
    rule = run_rule(letter, moderator)
    signed = confirm(typed)
    single_decisions.approve(signed, by=moderator.pk)
    undo_to_end(rule, moderator)
    signed.refresh_from_db()
    assert (signed.state, signed.flags) == (State.APPROVED, ["invalidated"])
    partner = make_submission(letter, "Ben Keller", address_hash=ANNA, country="CH")
    assert confirm(partner).flags == []


@pytest.mark.django_db(transaction=True)
def test_an_undo_waits_for_whoever_passes_the_flag_on(letter: Letter, moderator: User) -> None:
    signed, typed = signed_by_anna(letter), typed_by_anna(letter)
    rule = run_rule(letter, moderator)
    refused = []

    def undo() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '100ms'")
                bulk_rule_runs.undo(rule, by=moderator.pk)
        except OperationalError as error:
            refused.append(error)
        finally:
            connection.close()

    with transaction.atomic():
        replace(typed, signed)
        thread = threading.Thread(target=undo)
        thread.start()
        thread.join(30)
    assert len(refused) == 1
    undo_to_end(rule, moderator)
    signed.refresh_from_db()
    assert signed.flags == []


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_waits_for_a_submission_does_not_keep_it_from_being_confirmed(
    letter: Letter, moderator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_rule_runs, "BATCH_SIZE", 1)
    typed_by_anna(letter, place=1)
    second = typed_by_anna(letter, place=2)
    rule = start(rule_of(letter, moderator, country="RU"), moderator)
    bulk_rule_runs.run(rule.pk, seconds=0)  # the first one

    def run() -> None:
        try:
            bulk_rule_runs.run(rule.pk)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    with transaction.atomic():
        Submission.objects.select_for_update().get(pk=second.pk)
        thread.start()
        wait_until(is_anybody_waiting, 30)
        signed = confirm(second)
    thread.join(30)
    assert fresh(rule).step == Step.DONE
    undo_to_end(rule, moderator)
    signed.refresh_from_db()
    assert signed.flags == []
