"""Bulk rules: previewed, run in batches, and undone exactly."""

import itertools
import json
import os
import re
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.models import Count
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from campaign.models import Letter
from signatures import counts, retention, tasks, transitions
from signatures.models import AuditEntry, BulkRule, BulkRuleChange, Signature
from signatures.moderation import bulk_rule_runs, bulk_rules, decisions
from signatures.moderation.bulk_rules import Conditions
from signatures.screening import rate_limits
from signatures.signing import changes, confirmation, withdrawal
from signatures.states import State, Visibility
from signatures.values import sealing
from tests import single_decisions
from tests.factories import make_letter, make_signature, signer_input

pytestmark = pytest.mark.django_db
BOT = "Bot Petrow"
ENDED = {State.WITHDRAWN, State.REJECTED}
Step = BulkRule.Step


def key_of(domain: str) -> str:
    return sealing.domain_hash(domain, pepper=settings.EMAIL_HASH_PEPPER)


def make_signatures_of_all_kinds(letter: Letter, times: int = 2) -> None:
    """Signatures of every state and visibility, flagged and not; every second one with the email domain of the bots."""
    like = make_signature(letter, BOT)
    flags: list[list[str]] = [[], ["rate"], ["hold", "rate"]]
    cells = itertools.product(range(times), State, Visibility, flags, ("bots.example", "post.example"))
    rows = []
    for number, (_time, state, visibility, raised, domain) in enumerate(cells):
        is_blank = state == State.WITHDRAWN
        has_words = not is_blank and (visibility != Visibility.COUNTED or state == State.UNCONFIRMED)
        row = Signature(letter_id=letter.pk, translation_id=like.translation_id, state=state, visibility=visibility)
        row.address_hash, row.language, row.signed_up_at = number.to_bytes(32), "en", like.signed_up_at
        row.name = f"Signer {number:04d}" if has_words else ""
        row.flags, row.domains = ([], []) if is_blank else (raised, [key_of(domain)])
        row.confirmed_at = None if state == State.UNCONFIRMED else like.confirmed_at
        row.approved_on = like.approved_on if state == State.APPROVED else None
        rows.append(row)
    Signature.objects.bulk_create(rows)
    like.delete()


def rule_of(letter: Letter, by: User, **conditions: Any) -> BulkRule:
    return bulk_rules.create(letter, Conditions(**conditions), by=by.pk, name="Flood", reason="Made by a program")


def start(rule: BulkRule, by: User) -> BulkRule:
    number = bulk_rules.preview(rule).number
    return bulk_rule_runs.start(rule, by=by.pk, shown=number, typed=number)


def run_to_end(rule: BulkRule, by: User) -> BulkRule:
    start(rule, by)
    assert not bulk_rule_runs.run(rule.pk)
    return fresh(rule)


def undo_to_end(rule: BulkRule, by: User) -> BulkRule:
    bulk_rule_runs.undo(rule, by=by.pk)
    assert not bulk_rule_runs.run(rule.pk)
    return fresh(rule)


def fresh(rule: BulkRule) -> BulkRule:
    rule.refresh_from_db()
    return rule


def everything() -> dict[int, dict[str, Any]]:
    """Every column of every signature."""
    return {
        row["id"]: {name: bytes(v) if isinstance(v, memoryview) else v for name, v in row.items()}
        for row in Signature.objects.values()
    }


def counted(letter: Letter) -> dict[tuple[str, str, bool], int]:
    """Returns the counts of the letter, after comparing them with its rows."""
    stored = counts.for_letter(letter.pk).cells
    rows = Signature.objects.filter(letter=letter).values_list("state", "visibility", "flags")
    recount: dict[tuple[str, str, bool], int] = {}
    for state, visibility, flags in rows:
        cell = (state, visibility, bool(flags))
        recount[cell] = recount.get(cell, 0) + 1
    assert stored == recount
    return dict(stored)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_rule_runs, "BATCH_SIZE", 7)


def test_a_rule_rejects_confirmed_signatures_flags_unconfirmed_ones_and_leaves_the_rest(
    letter: Letter, moderator: User
) -> None:
    make_signatures_of_all_kinds(letter)
    before = everything()
    rule = run_to_end(rule_of(letter, moderator, domain="bots.example"), moderator)

    for number, row in everything().items():
        was = before[number]
        if key_of("bots.example") not in was["domains"] or was["state"] in ENDED:
            assert row == was
        elif was["state"] == State.UNCONFIRMED:
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

    rule = run_to_end(rule_of(letter, moderator, domain="bots.example"), moderator)
    while_it_is_done = counted(letter)
    rule = undo_to_end(rule, moderator)

    assert everything() == before
    assert counted(letter) == counts_before != while_it_is_done
    assert (rule.step, rule.undone, rule.left_alone) == (Step.UNDONE, 54, 0)
    counts.fold_deltas()
    assert counted(letter) == counts_before


def test_the_preview_counts_by_state_and_visibility_and_picks_twenty_examples_evenly(
    letter: Letter, moderator: User, ada: Signature
) -> None:
    make_signatures_of_all_kinds(letter)
    single_decisions.reject(ada, by=moderator.pk, reason="to be approved by hand")
    single_decisions.approve(ada, by=moderator.pk)
    everyone = Signature.objects.exclude(state__in=ENDED)

    preview = bulk_rules.preview(rule_of(letter, moderator, language="en"))

    cells = everyone.values_list("state", "visibility").annotate(Count("pk"))
    assert preview.cells == {(state, visibility): number for state, visibility, number in cells}
    assert preview.number == everyone.count() == 109 and preview.share == 1.0
    numbers = list(everyone.order_by("pk").values_list("pk", flat=True))
    places = [numbers.index(number) for number in preview.examples]
    assert len(places) == 20 and (places[0], places[-1]) == (0, 108)
    assert max(b - a for a, b in itertools.pairwise(places)) <= 7
    assert preview.by_hand == 1


def test_the_preview_of_three_matches_shows_three_examples(letter: Letter, moderator: User) -> None:
    three = [make_signature(letter, BOT, country="RU") for _each in range(3)]
    preview = bulk_rules.preview(rule_of(letter, moderator, country="RU"))
    assert preview.examples == [row.pk for row in three]


NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("conditions", "fits"),
    [
        ({"name_pattern": "bot*"}, {}),
        ({"name_pattern": "BÓT   p?trow"}, {}),
        ({"name_pattern": "*TROW"}, {}),
        ({"name_pattern": "*t p*"}, {}),
        ({"name_pattern": "b*p*w"}, {"name": "Ｂöt Ⓟetrow"}),
        ({"name_pattern": "김?수"}, {"name": "김철수"}),
        ({"name_pattern": "a.c [x]\\"}, {"name": "A.C [X]\\"}),
        ({"organization": "troll"}, {"organization": "The Tróll Farm"}),
        ({"organization": "*farm"}, {"organization": "The Tróll Farm"}),
        ({"country": "RU"}, {"country": "RU"}),
        ({"language": "ko"}, {"language": "ko"}),
        ({"flag": "rate"}, {"flags": ["link", "rate"]}),
        ({"domain": "Bots.example"}, {"domains": [key_of("a.bots.example"), key_of("bots.example")]}),
        ({"domain": "who@bots.example."}, {"domains": [key_of("bots.example")]}),
        ({"domain": "*.bücher.example"}, {"domains": [key_of("xn--bcher-kva.example")]}),
        ({"network": "203.0.113.7"}, {"network": rate_limits.network_digest("203.0.113.0/24", timezone.now())}),
        ({"network": "203.0.0.0/16"}, {"network": rate_limits.network_digest("203.0.113.0/24", timezone.now() - timedelta(days=3))}),
        ({"network": "2001:db8::1/128"}, {"network": rate_limits.network_digest("2001:db8::/64", timezone.now())}),
        ({"signed_up_from": NOW, "signed_up_until": NOW + timedelta(hours=1)}, {"signed_up_at": NOW}),
        ({"country": "RU", "states": [State.WAITING]}, {"country": "RU", "state": State.WAITING}),
        ({"country": "RU", "visibility": Visibility.COUNTED}, {"country": "RU", "visibility": Visibility.COUNTED}),
    ],
)  # fmt: skip
def test_each_condition_matches_its_signatures_and_no_others(
    letter: Letter, moderator: User, conditions: Any, fits: Any
) -> None:
    meant = make_signature(letter, **({"name": BOT} | fits))
    make_signature(
        letter, "A. B. Cd Pew X", organization="Farmers", signed_up_at=NOW + timedelta(hours=1), country="GB"
    )
    make_signature(
        letter,
        "철수김",
        domains=[key_of("example")],
        network=rate_limits.network_digest("203.1.0.0/24", timezone.now()),
    )
    make_signature(make_letter("other"), **({"name": BOT} | fits))
    assert set(bulk_rules.matching(rule_of(letter, moderator, **conditions))) == {meant}


def test_all_conditions_must_hold(letter: Letter, moderator: User) -> None:
    meant = make_signature(letter, BOT, country="RU", flags=["rate"])
    make_signature(letter, BOT, country="RU")
    make_signature(letter, BOT, flags=["rate"])
    make_signature(letter, "Ann", country="RU", flags=["rate"])
    rule = rule_of(letter, moderator, name_pattern="bot*", country="RU", flag="rate")
    assert set(bulk_rules.matching(rule)) == {meant}


def test_staff_can_choose_domain_network_or_words_of_another_signature(letter: Letter, moderator: User) -> None:
    now = timezone.now()
    keys: dict[str, Any] = {
        "domains": [key_of("a.bots.example"), key_of("bots.example")],
        "network": rate_limits.network_digest("203.0.113.0/24", now),
    }
    first = make_signature(letter, BOT, **keys)
    same_domain = make_signature(letter, "B", domains=keys["domains"])
    make_signature(letter, "C", domains=[key_of("bots.example")])
    same_network = make_signature(letter, "D", network=keys["network"])
    same_words = make_signature(letter, "PETROW, Bót", State.WAITING)

    for condition, other in (("domain_of", same_domain), ("network_of", same_network), ("similar_to", same_words)):
        rule = rule_of(letter, moderator, **{condition: first.pk})
        assert set(bulk_rules.matching(rule)) == {first, other}


def test_a_rule_matches_flagged_signatures_without_words(letter: Letter, moderator: User) -> None:
    flood = [make_signature(letter, "", State.WAITING, Visibility.COUNTED, flags=["rate"]) for _each in range(3)]
    rule = run_to_end(rule_of(letter, moderator, flag="rate", visibility=Visibility.COUNTED), moderator)
    assert rule.rejected == len(flood) == counts.for_letter(letter.pk).in_state(State.REJECTED)


@pytest.mark.parametrize(
    "conditions",
    [
        {},
        {"states": [State.WAITING]},
        {"visibility": Visibility.PUBLIC},
        {"states": [State.APPROVED], "visibility": Visibility.COUNTED},
        {"name_pattern": "  "},
        {"name_pattern": "*"},
        {"name_pattern": "*?* *"},
        {"organization": "**"},
        {"domain": " @ "},
    ],
)
def test_A6_an_empty_rule_is_refused(letter: Letter, moderator: User, conditions: Any) -> None:
    with pytest.raises(bulk_rules.InvalidRule):
        rule_of(letter, moderator, **conditions)
    assert not BulkRule.objects.exists()


@pytest.mark.parametrize(
    ("field", "conditions"),
    [
        ("name", {"name": " "}),
        ("reason", {"reason": ""}),
        ("domain", {"domain": "ru"}),
        ("domain", {"domain": "not a domain.example"}),
        ("network", {"network": "bots.example"}),
        ("network", {"network": "10.0.0.0/8"}),
        ("network", {"network": "2001:db8::/32"}),
        ("domain_of", {"domain_of": 0}),
        ("similar_to", {"similar_to": 0}),
        ("signed_up_until", {"signed_up_from": NOW}),
        ("signed_up_from", {"signed_up_until": NOW}),
        ("signed_up_until", {"signed_up_from": NOW, "signed_up_until": NOW}),
    ],
)
def test_an_invalid_condition_is_an_error_at_its_field(
    letter: Letter, moderator: User, field: str, conditions: Any
) -> None:
    about = {"name": "Flood", "reason": "A program"} | {
        k: conditions.pop(k) for k in ("name", "reason") if k in conditions
    }
    with pytest.raises(bulk_rules.InvalidRule) as refused:
        bulk_rules.create(letter, Conditions(**({"country": "RU"} | conditions)), by=moderator.pk, **about)
    assert refused.value.field == field and str(refused.value.message)


def test_a_signature_without_domain_network_or_name_cannot_be_compared(
    letter: Letter, moderator: User, ben: Signature
) -> None:
    for condition in ("domain_of", "network_of", "similar_to"):
        with pytest.raises(bulk_rules.InvalidRule, match=condition):
            rule_of(letter, moderator, **{condition: ben.pk})


@pytest.mark.parametrize(
    "change",
    [
        "country = ''",
        "name = ''",
        "reason = ''",
        "country = '', name_pattern = '*'",
        "name_pattern = '* ?'",
        "organization = '**'",
        "country = '', states = '{waiting}', visibility = 'public'",
        "signed_up_until = now()",
        "step = 'other'",
    ],
)
def test_A6_the_database_refuses_an_empty_rule(letter: Letter, moderator: User, change: str) -> None:
    rule = rule_of(letter, moderator, country="RU")
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE signatures_bulkrule SET {change} WHERE id = %s", [rule.pk])


def test_A6_a_rule_with_blanked_criteria_matches_nobody_rather_than_everybody(letter: Letter, moderator: User) -> None:
    network = rate_limits.network_digest("203.0.113.0/24", timezone.now())
    first = make_signature(letter, BOT, network=network)
    make_signature(letter, "Ann")
    by_network, by_words = (
        rule_of(letter, moderator, network_of=first.pk),
        rule_of(letter, moderator, similar_to=first.pk),
    )
    assert bulk_rules.preview(by_network).number == 1

    BulkRule.objects.update(made_at=timezone.now() - timedelta(hours=71), name_key="")
    retention.delete_network_digests()

    assert fresh(by_network).networks == [] and by_network.by_network
    for rule in (by_network, fresh(by_words)):
        assert bulk_rules.preview(rule).number == 0 and bulk_rules.preview(rule).examples == []


def test_S11_R4_rules_and_audit_log_hold_no_domain_network_or_name(letter: Letter, moderator: User) -> None:
    make_signature(
        letter,
        BOT,
        domains=[key_of("bots.example")],
        network=rate_limits.network_digest("203.0.113.0/24", timezone.now()),
    )
    rule = run_to_end(rule_of(letter, moderator, domain="bots.example", network="203.0.113.7"), moderator)
    assert rule.rejected == 1
    tables = [*BulkRule.objects.values(), *BulkRuleChange.objects.values(), *AuditEntry.objects.values()]
    stored = json.dumps(tables, default=str)
    assert "bots" not in stored and "203.0" not in stored and "Petrow" not in stored
    assert rule.networks == []


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
        assert not bulk_rules.save_preview(rule, within=0.05) and fresh(rule).seen is None
    tasks.preview_bulk_rule.call(rule.pk)
    seen = fresh(rule).seen
    assert seen and (seen["number"], seen["cells"], seen["examples"]) == (1, [["approved", "public", 1]], [ada.pk])


def test_a_rule_that_matches_nobody_does_not_start(letter: Letter, moderator: User) -> None:
    with pytest.raises(transitions.TransitionNotAllowed):
        start(rule_of(letter, moderator, country="RU"), moderator)


def test_signatures_after_the_start_are_not_changed(letter: Letter, moderator: User) -> None:
    early = make_signature(letter, BOT)
    rule = start(rule_of(letter, moderator, name_pattern="bot*"), moderator)
    late = make_signature(letter, BOT)
    bulk_rule_runs.run(rule.pk)
    assert [fresh_state(early), fresh_state(late)] == [State.REJECTED, State.APPROVED]


def fresh_state(row: Signature) -> str:
    row.refresh_from_db()
    return row.state


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
    bulk_rule_runs.run(rule.pk, seconds=0)

    bulk_rule_runs.cancel(rule, by=moderator.pk)

    assert not bulk_rule_runs.run(rule.pk) and fresh(rule).taken == 7 == BulkRuleChange.objects.count()
    assert counted(letter) != counts_before
    with pytest.raises(transitions.TransitionNotAllowed):
        bulk_rule_runs.cancel(rule, by=moderator.pk)
    rule = undo_to_end(rule, moderator)
    assert (rule.step, rule.undone, everything(), counted(letter)) == (Step.UNDONE, 7, before, counts_before)


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
    assert counts.for_letter(letter.pk).total == 27 == counted(letter)[(State.APPROVED, Visibility.PUBLIC, False)]


def test_a_flagged_unconfirmed_signature_waits_when_it_is_confirmed(letter: Letter, moderator: User) -> None:
    Letter.objects.update(moderation=Letter.Moderation.AFTER)
    letter.refresh_from_db()
    taken = make_signature(letter, BOT, State.UNCONFIRMED, Visibility.COUNTED, country="RU")
    rule = run_to_end(rule_of(letter, moderator, country="RU"), moderator)

    confirm(taken)

    taken.refresh_from_db()
    assert (taken.state, taken.flags) == (State.WAITING, ["invalidated"])
    rule = undo_to_end(rule, moderator)
    taken.refresh_from_db()
    assert (taken.state, taken.flags, rule.undone) == (State.WAITING, [], 1)
    assert decisions.approve_unflagged() == 1
    counted(letter)


def confirm(row: Signature) -> None:
    text = row.letter.revisions.get().translations.get()
    typed = signer_input(text, name=row.name, country=row.country, visibility=row.visibility)
    confirmation.confirm(row, typed)


def test_the_undo_removes_no_flag_after_another_sign_up_or_a_decision(letter: Letter, moderator: User) -> None:
    anew, decided = (make_signature(letter, BOT, State.UNCONFIRMED, country="RU") for _each in range(2))
    rule = run_to_end(rule_of(letter, moderator, country="RU"), moderator)
    Signature.objects.filter(pk=anew.pk).update(flags=["rate"])  # as `sign` does
    confirm(decided)
    single_decisions.approve(decided, by=moderator.pk)
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
    letter: Letter, moderator: User, ada: Signature, ben: Signature
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
        ("invalidate", ada.pk, "approved", "rejected", moderator.pk), ("invalidate", ben.pk, "unconfirmed", "", moderator.pk),
        ("undo", ada.pk, "rejected", "approved", moderator.pk), ("undo", ben.pk, "unconfirmed", "", moderator.pk),
    ]  # fmt: skip
    assert {entry.detail["rule"] for entry in entries.filter(signature_id__isnull=False)} == {rule.pk}
    assert "Lovelace" not in json.dumps(list(entries.values()), default=str)


@pytest.mark.django_db(transaction=True)
def test_simultaneous_runs_of_one_rule_do_no_harm(letter: Letter, moderator: User, small_batches: None) -> None:
    make_signatures_of_all_kinds(letter, times=1)
    before, counts_before = everything(), counted(letter)
    rule = start(rule_of(letter, moderator, language="en"), moderator)

    run_in_three_threads(rule)
    assert (fresh(rule).step, rule.taken, BulkRuleChange.objects.count()) == (Step.DONE, 54, 54)
    assert AuditEntry.objects.filter(action="invalidate").count() == 54
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

    killed_at(rule, numbers[17])  # the fourth of the third batch
    assert (fresh(rule).step, rule.taken, BulkRuleChange.objects.count()) == (Step.RUNNING, 14, 14)
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


RULES = "/admin/signatures/bulkrule/"
MAX_STATEMENTS = 12


def press(moderator_client: Client, rule: BulkRule, what: str, **fields: Any) -> str:
    return str(moderator_client.post(f"{RULES}{rule.pk}/change/", {"do": what, **fields}, follow=True).content.decode())


def create_rule(moderator_client: Client, letter: Letter, **fields: Any) -> Any:
    return moderator_client.post(
        f"{RULES}add/", {"letter": letter.pk, "name": "Flood", "reason": "A program", **fields}, follow=True
    )


def test_a_moderator_creates_previews_starts_and_undoes_a_rule(
    moderator_client: Client, letter: Letter, moderator: User
) -> None:
    make_signatures_of_all_kinds(letter, times=1)
    before = everything()

    page = create_rule(moderator_client, letter, domain="bots.example", states=["approved", "waiting"]).content.decode()
    rule = BulkRule.objects.get()
    assert "It matches <strong>18</strong>" in page and "Signer" in page and moderator.username in page
    assert "That is 33.3 % of all" in page and "bots.example" not in page

    for wrong in ("", "17", "x"):
        assert "type the number that the page shows" in press(moderator_client, rule, "start", number=wrong)
    assert everything() == before
    page = press(moderator_client, rule, "start", number="18")
    assert '<progress id="progress" value="0" max="18">' in page
    assert moderator_client.get(f"{RULES}{rule.pk}/change/")["Refresh"] == "2"
    run_tasks()
    ended = moderator_client.get(f"{RULES}{rule.pk}/change/")
    assert "restore all signatures" in ended.content.decode() and "Refresh" not in ended
    listed = moderator_client.get(RULES).content.decode()
    assert "18 / 18" in listed and "A program" in listed and moderator.username in listed and 'value="undo"' in listed

    assert "<progress" in press(moderator_client, rule, "undo")
    run_tasks()
    assert everything() == before and fresh(rule).step == Step.UNDONE
    assert "Left alone" in moderator_client.get(f"{RULES}{rule.pk}/change/").content.decode()


def run_tasks() -> None:
    """Run all enqueued tasks, as the worker does."""
    for waiting in DBTaskResult.objects.filter(status="READY"):
        waiting.task.call(*waiting.args_kwargs["args"])
        waiting.delete()


def test_cancel_and_discard(moderator_client: Client, letter: Letter, ada: Signature) -> None:
    create_rule(moderator_client, letter, country="GB")
    rule = BulkRule.objects.get()
    press(moderator_client, rule, "start", number="1")
    press(moderator_client, rule, "cancel")
    assert (fresh(rule).step, fresh_state(ada)) == (Step.CANCELED, State.APPROVED)
    assert "no longer possible" in press(moderator_client, rule, "discard")
    create_rule(moderator_client, letter, country="GB")
    draft = BulkRule.objects.get(step=Step.DRAFT)
    assert "It matches" in press(moderator_client, draft, "preview")
    press(moderator_client, draft, "discard")
    assert not BulkRule.objects.filter(step=Step.DRAFT).exists()


def test_A6_the_form_refuses_an_empty_rule_at_its_field_and_keeps_what_was_typed(
    moderator_client: Client, letter: Letter
) -> None:
    page = create_rule(moderator_client, letter, states=["approved"]).content.decode()
    assert "Choose at least one condition" in page and 'value="A program"' in page
    page = create_rule(moderator_client, letter, name="", domain="ru", name_pattern="**").content.decode()
    assert page.count('<ul class="errorlist"') == 1 and "This field is required" in page
    assert "write at least one letter" in create_rule(moderator_client, letter, name_pattern="**").content.decode()
    assert "This is not an email domain" in create_rule(moderator_client, letter, domain="ru").content.decode()
    assert not BulkRule.objects.exists()


def test_the_page_of_a_signature_links_to_a_prefilled_rule(moderator_client: Client, letter: Letter) -> None:
    row = make_signature(letter, BOT, domains=[key_of("bots.example")], network="00ff", name_key="bot petrow")
    page = moderator_client.get(f"/admin/signatures/signature/{row.pk}/change/").content.decode()
    for way in ("similar_to", "domain_of", "network_of"):
        link = f"{RULES}add/?letter={letter.pk}&amp;{way}={row.pk}"
        assert link in page
        form = moderator_client.get(link.replace("&amp;", "&")).content.decode()
        assert re.search(rf'name="{way}" value="{row.pk}"', form)
    assert key_of("bots.example") not in page and "00ff" not in page


def test_A5_only_moderators_see_or_create_rules(
    letter: Letter, moderator: User, officer: User, editor: User, ada: Signature
) -> None:
    rule = rule_of(letter, moderator, country="GB")
    for user in (officer, editor):
        client = Client()
        client.force_login(user)
        for path in (RULES, f"{RULES}add/", f"{RULES}{rule.pk}/change/"):
            assert client.get(path).status_code == 403
            assert client.post(path, {"do": "start", "number": "1"}).status_code == 403
    assert fresh(rule).step == Step.DRAFT


def test_opening_a_page_changes_nothing_and_takes_few_statements(
    moderator_client: Client, letter: Letter, moderator: User, ada: Signature
) -> None:
    rules = [rule_of(letter, moderator, country="GB") for _each in range(15)]
    bulk_rules.save_preview(rules[0])
    before = list(BulkRule.objects.values())
    for path in (RULES, f"{RULES}add/", *(f"{RULES}{rule.pk}/change/" for rule in rules[:2])):
        with CaptureQueriesContext(connection) as asked:
            assert moderator_client.get(path).status_code == 200
        assert len(asked) <= MAX_STATEMENTS, path
    assert list(BulkRule.objects.values()) == before
    assert moderator_client.get(f"{RULES}0/change/").status_code == 404
