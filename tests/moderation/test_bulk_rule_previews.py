"""Which signatures a bulk rule matches, and what its preview shows."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.models import Count, Value
from django.utils import timezone

from campaign.models import Letter
from signatures import counts, retention
from signatures.models import AuditEntry, BulkRule, BulkRuleChange, Signature, Submission
from signatures.moderation import bulk_rules
from signatures.moderation.bulk_rules import Conditions
from signatures.screening import rate_limits
from signatures.states import State, Visibility
from tests import single_decisions
from tests.factories import make_letter, make_signature, make_submission
from tests.moderation.bulk_rules import (
    BOT,
    ENDED,
    fresh,
    key_of,
    make_signatures_of_all_kinds,
    origin_of,
    rule_of,
    run_to_end,
)

pytestmark = pytest.mark.django_db


def test_the_preview_counts_by_state_and_visibility_and_picks_twenty_examples_evenly(
    letter: Letter, moderator: User, ada: Signature
) -> None:
    make_signatures_of_all_kinds(letter)
    single_decisions.reject(ada, by=moderator.pk, reason="to be approved by hand")
    single_decisions.approve(ada, by=moderator.pk)
    signed, submitted = Signature.objects.exclude(state__in=ENDED), Submission.objects.all()

    preview = bulk_rules.preview(rule_of(letter, moderator, language="en"))

    cells = [
        *signed.values_list("state", "visibility").annotate(Count("pk")),
        *submitted.values_list(Value("unconfirmed"), "visibility").annotate(Count("pk")),
    ]
    assert preview.cells == {(state, visibility): number for state, visibility, number in cells}
    assert preview.number == signed.count() + submitted.count() == 109 and preview.share == 1.0
    numbers = sorted(row.pk for row in (*signed, *submitted))
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


@pytest.mark.parametrize(
    ("conditions", "fits"),
    [
        ({"name_pattern": "bot*"}, True),
        ({"name_pattern": "bot*", "states": ["unconfirmed"]}, True),
        ({"name_pattern": "bot*", "states": ["waiting", "approved"]}, False),
        ({"name_pattern": "ann*"}, False),
        ({"country": "RU", "visibility": "delivery"}, False),
        ({"flag": "rate"}, True),
    ],
)
def test_a_condition_matches_submissions_as_well_unless_the_rule_is_narrowed(
    letter: Letter, moderator: User, conditions: Any, fits: bool
) -> None:
    meant = make_submission(letter, BOT, country="RU", flags=["rate"])
    make_submission(make_letter("other"), BOT, country="RU", flags=["rate"])
    make_submission(letter, BOT, country="RU", flags=["invalidated", "rate"])
    assert set(bulk_rules.matching_submissions(rule_of(letter, moderator, **conditions))) == (
        {meant} if fits else set()
    )


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

    chosen = (
        ({"origin": origin_of(first, "domain", moderator)}, same_domain),
        ({"origin": origin_of(first, "network", moderator)}, same_network),
        ({"similar_to": first.pk}, same_words),
    )
    for conditions, other in chosen:
        rule = rule_of(letter, moderator, **conditions)
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


def test_S30_a_rule_takes_all_that_came_from_one_mailbox_and_nothing_else(letter: Letter, moderator: User) -> None:
    rows = [make_signature(letter, f"Person {n}", State.WAITING, mailbox="a" * 16) for n in range(3)]
    make_submission(letter, "Person 4", mailbox="a" * 16)
    other = make_signature(letter, "Somebody Else", State.WAITING, mailbox="b" * 16)
    rule = rule_of(letter, moderator, origin=origin_of(rows[0], "mailbox", moderator))
    assert bulk_rules.preview(rule).number == 4

    run_to_end(rule, moderator)

    other.refresh_from_db()
    assert other.state == State.WAITING
    assert Signature.objects.filter(state=State.REJECTED).count() == 3
    assert fresh(rule).mailbox == "", "it keeps no trace of one person"


def test_a_signature_without_domain_network_or_name_cannot_be_compared(letter: Letter, moderator: User) -> None:
    nameless = make_signature(letter, "", State.WAITING, Visibility.COUNTED)
    for word, conditions in (
        ("domain", {"origin": origin_of(nameless, "domain", moderator)}),
        ("network", {"origin": origin_of(nameless, "network", moderator)}),
        ("mailbox", {"origin": origin_of(nameless, "mailbox", moderator)}),
        ("similar_to", {"similar_to": nameless.pk}),
    ):
        with pytest.raises(bulk_rules.InvalidRule, match=word):
            rule_of(letter, moderator, **conditions)


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
        rule_of(letter, moderator, origin=origin_of(first, "network", moderator)),
        rule_of(letter, moderator, similar_to=first.pk),
    )
    assert bulk_rules.preview(by_network).number == 1

    BulkRule.objects.update(made_at=timezone.now() - timedelta(hours=71), name_key="")
    retention.delete_network_digests()

    assert fresh(by_network).networks == [] and by_network.by_network
    for rule in (by_network, fresh(by_words)):
        assert bulk_rules.preview(rule).number == 0 and bulk_rules.preview(rule).examples == []


def test_S11_R4_rules_and_audit_log_hold_no_domain_network_or_name(letter: Letter, moderator: User) -> None:
    keys: dict[str, Any] = {"domains": [key_of("bots.example")], "network": "0123456789abcdef"}
    bot = make_signature(letter, BOT, **keys)
    make_signature(letter, BOT, **keys)
    run_to_end(rule_of(letter, moderator, origin=origin_of(bot, "domain", moderator), name_pattern="bot*"), moderator)
    Signature.objects.update(state=State.APPROVED, approved_on=NOW.date())
    rule = run_to_end(rule_of(letter, moderator, origin=origin_of(bot, "network", moderator)), moderator)
    assert rule.rejected == 2
    tables = [*BulkRule.objects.values(), *BulkRuleChange.objects.values(), *AuditEntry.objects.values()]
    stored = json.dumps(tables, default=str)
    assert "bots" not in stored and "203.0" not in stored and "Petrow" not in stored
    assert rule.networks == []
