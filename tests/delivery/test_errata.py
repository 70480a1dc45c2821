"""A false name found after a delivery was handed over is an erratum, as a withdrawal is."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from campaign.models import Letter
from signatures.delivery import delivered_pdf, freezing, pdf
from signatures.models import AuditEntry, Delivery, Signature
from signatures.moderation import bulk_rule_runs, bulk_rules, decisions
from signatures.moderation.bulk_rules import Conditions
from signatures.registries import AuditAction
from signatures.signing import withdrawal
from signatures.states import State
from tests import single_decisions
from tests.delivery.factories import day_of, make_delivery
from tests.factories import make_many

pytestmark = pytest.mark.django_db


@pytest.fixture
def handed_over(letter: Letter, ada: Signature) -> Delivery:
    make_many(letter, 3, country="FR")
    return hand_over(make_delivery(letter))


def hand_over(delivery: Delivery) -> Delivery:
    return freezing.hand_over(delivery, by=None, on=day_of(delivery), to="The embassy", at="Washington")


def errata(delivery: Delivery) -> list[int]:
    return list(delivery.errata.order_by("number").values_list("number", flat=True))


def test_E17_a_rejection_after_handing_over_is_told_on_the_delivery_page_and_in_the_next_package(
    client: Client, letter: Letter, ada: Signature, handed_over: Delivery
) -> None:
    single_decisions.reject(ada, by=1, reason="It is the name of somebody else")

    assert errata(handed_over) == [1]
    page = client.get(f"/deliveries/{letter.slug}/1/").content.decode()
    assert "Errata" in page and "<span>No. 1</span>" in page and "Ada" not in page
    assert make_delivery(letter).counts["errata"] == {"1": 1}


def test_E17_a_bulk_rule_makes_an_erratum_of_each_delivered_name_that_it_rejects(
    letter: Letter, owner: User, handed_over: Delivery
) -> None:
    rule = bulk_rules.create(letter, Conditions(country="FR"), by=owner.pk, name="Flood", reason="Made by a program")
    bulk_rule_runs.start(rule, by=owner.pk, shown=3, typed=3)
    bulk_rule_runs.run(rule.pk)
    assert errata(handed_over) == [1, 2, 3]


def test_E17_a_rejection_before_handing_over_is_an_erratum_at_handing_over_unless_it_was_undone(
    letter: Letter, ada: Signature
) -> None:
    others = make_many(letter, 2)
    delivery = make_delivery(letter)
    for row in (ada, others[0]):
        single_decisions.reject(row, by=1, reason="Not a name")
    decisions.undo(others[0], by=1)
    assert errata(delivery) == []

    assert errata(hand_over(delivery)) == [1]
    single_decisions.reject(others[0], by=1, reason="Not a name")
    assert errata(delivery) == [1, 2], "what was undone before the hand-over was no erratum yet"


def test_E17_an_undone_rejection_keeps_its_number_and_nobody_gets_a_second_one(
    ada: Signature, handed_over: Delivery
) -> None:
    single_decisions.reject(ada, by=1, reason="Not a name")
    last = AuditEntry.objects.filter(action=AuditAction.REJECT).latest("pk").pk
    decisions.undo(ada, by=1, as_of=last)  # the erratum is nobody else's change
    single_decisions.reject(ada, by=1, reason="Not a name")
    withdrawal.withdraw(ada)
    withdrawal.erase(ada)
    assert errata(handed_over) == [1]


def test_E17_what_no_delivery_has_makes_no_erratum(letter: Letter, cleo: Signature, handed_over: Delivery) -> None:
    single_decisions.reject(cleo, by=1, reason="Not a name")
    single_decisions.hold(Signature.objects.filter(state=State.APPROVED).latest("pk"), by=1)
    assert errata(handed_over) == []


def test_E13_the_annex_of_the_pdf_says_of_each_erratum_what_it_is(
    letter: Letter, ada: Signature, handed_over: Delivery
) -> None:
    """Who is in two deliveries is told for each: a sum would count one person twice."""
    single_decisions.reject(ada, by=1, reason="It is the name of somebody else")
    second = hand_over(make_delivery(letter))
    withdrawn, erased, _left = Signature.objects.filter(letter=letter, state=State.APPROVED).order_by("pk")
    withdrawal.withdraw(withdrawn)
    withdrawal.erase(erased)
    third = make_delivery(letter)
    record = delivered_pdf._record(third)
    assert record.errata == third.claims["errata"] and len(record.errata) == 2
    for language in pdf.languages():
        said = list(pdf.Wording(language)._record_sentences(pdf.Counts(1, 1, 0), record, is_draft=False))
        assert len(said) == len(set(said)) == 7, "the delivery, the changes, and five kinds of errata"
    said = list(pdf.Wording("en")._record_sentences(pdf.Counts(1, 1, 0), record, is_draft=False))
    assert said[2:] == [
        f"After delivery no. {delivery} was frozen: 1 signature {what}."
        for delivery, what in (
            (handed_over.number, "withdrawn"), (handed_over.number, "erased with all its data"),
            (handed_over.number, "rejected by staff"), (second.number, "withdrawn"),
            (second.number, "erased with all its data"),
        )
    ]  # fmt: skip
