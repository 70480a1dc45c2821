"""A letter is frozen with its signatures as they are at that moment. Nothing changes them afterwards."""

import hashlib
import json
import threading
from datetime import date

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, InternalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from campaign.models import Letter
from signatures.delivery import freezing
from signatures.delivery.errata import entries_that_left
from signatures.models import AuditEntry, Delivery, DeliveryEntry, Signature
from signatures.signing import withdrawal
from signatures.states import Kind, State, Visibility
from signatures.transitions import TransitionNotAllowed
from tests.delivery.factories import day_of
from tests.factories import make_many, make_signature, make_submission

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def signed(letter: Letter) -> Letter:
    """Five signatures that are named, two that are counted only, and one in each state that is not delivered."""
    make_signature(letter, "Зоя Космодемьянская", country="UA")
    make_signature(letter, "김철수", country="KR", visibility=Visibility.DELIVERY)
    make_signature(letter, "ada lovelace", country="GB", role='Countess "of" \\ =1+1', organization="A • “B”")
    make_signature(letter, "Bread and Roses", kind=Kind.ORGANIZATION)
    make_signature(letter, "Zelda", featured_position=1)
    for _each in range(2):
        make_signature(letter, "", visibility=Visibility.COUNTED, country="KR")
    for state in (State.WAITING, State.REJECTED, State.WITHDRAWN):
        make_signature(letter, f"Never {state}", state)
    make_submission(letter, "Never confirmed")
    return letter


def freeze(letter: Letter) -> Delivery:
    return freezing.freeze(letter, by=None, reason="the hearing of May")


def test_freezing_takes_approved_signatures_in_order_and_counts_them(signed: Letter) -> None:
    delivery = freeze(signed)

    rows = delivery.rows.order_by("place")
    assert [row.name for row in rows] == [
        "Bread and Roses",
        "Zelda",
        "ada lovelace",
        "Зоя Космодемьянская",
        "김철수",
        "",
        "",
    ]
    assert [row.number for row in rows] == [1, 2, 3, 4, 5, None, None]
    assert [row.place for row in rows] == list(range(7))
    assert {row.country for row in rows if row.number is None} == {""}
    wanted = {
        "delivered": 7, "named": 5, "counted_only": 2, "waiting": 1, "withdrawn": 1, "rejected": 1,
        "public_count": 8, "organizations": 1, "paper": 0, "evidence": 0, "revisions": {"1": 7}, "errata": {},
        "since": None, "added": 0, "gone": 0,
    }  # fmt: skip
    assert delivery.counts == wanted
    (text,) = delivery.texts
    assert text["digest"] == signed.revisions.get().translations.get().digest
    entry = AuditEntry.objects.get(action="freeze")
    assert (entry.reason, entry.detail["number"]) == ("the hearing of May", 1)


def test_freezing_never_looks_up_rows_of_the_list_in_another_list(signed: Letter) -> None:
    """NOT IN reads the other list anew for each row once it is long, and IN looks up each row that was just written."""
    freeze(signed)
    with CaptureQueriesContext(connection) as queries:
        delivery = freeze(signed)

    assert not [query["sql"] for query in queries if " IN (SELECT" in query["sql"]]
    assert (delivery.counts["since"], delivery.counts["added"], delivery.counts["gone"]) == (1, 0, 0)


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("name", ["ada", "Chloé", "Émile", "Ольга"]),
        ("country", ["Chloé", "Ольга", "Émile", "ada"]),
        ("day", ["Ольга", "ada", "Émile", "Chloé"]),
    ],
)
def test_entries_are_in_the_order_of_the_letter(letter: Letter, order: str, names: list[str]) -> None:
    days = {"Ольга": 9, "ada": 8, "Émile": 7, "Chloé": 6}
    countries = {"Chloé": "BE", "Ольга": "BE", "Émile": "FR", "ada": ""}
    for name, day in days.items():
        make_signature(letter, name, approved_on=date(2026, 1, day), country=countries[name])
    Letter.objects.update(order=order)
    letter.refresh_from_db()
    assert [row.name for row in freeze(letter).rows.order_by("number")] == names


def test_a_leaf_is_the_digest_of_salt_and_row_in_python_too(signed: Letter) -> None:
    for row in freeze(signed).rows.all():
        cells = [
            row.number,
            row.kind,
            row.name,
            row.role,
            row.organization,
            row.country,
            row.signed_on,
            row.language,
            row.revision,
            row.source,
        ]
        line = json.dumps([str(cell) for cell in cells], ensure_ascii=False, separators=(",", ":"))
        content = line if row.number else "counted"
        assert row.salt is not None and len(row.salt) == 32
        assert bytes(row.leaf) == hashlib.sha256(b"\0" + bytes(row.salt) + content.encode()).digest()
    assert len({bytes(salt) for salt in DeliveryEntry.objects.values_list("salt", flat=True) if salt}) == 7


def test_a_second_delivery_counts_the_changes_since_the_first(signed: Letter) -> None:
    freeze(signed)
    withdrawal.withdraw(Signature.objects.get(name="Zelda"))
    make_many(signed, 3)
    second = freeze(signed)
    assert (second.number, second.counts["since"], second.counts["added"], second.counts["gone"]) == (2, 1, 3, 1)


def test_a_delivery_frozen_by_mistake_is_voided_with_its_reason(signed: Letter, officer: User) -> None:
    first = freezing.void(freeze(signed), by=officer.pk, reason="too early")
    assert (first.state, first.void_reason) == ("void", "too early")
    assert AuditEntry.objects.get(action="void").staff_id == officer.pk
    assert freeze(signed).counts["since"] is None
    with pytest.raises(TransitionNotAllowed):
        freezing.void(first, by=None, reason="again")


@pytest.mark.parametrize("reason", ["", "  "])
def test_freezing_needs_a_reason(signed: Letter, reason: str) -> None:
    with pytest.raises(TransitionNotAllowed):
        freezing.freeze(signed, by=None, reason=reason)
    assert not Delivery.objects.exists()


def test_an_empty_list_is_not_delivered(letter: Letter) -> None:
    with pytest.raises(TransitionNotAllowed):
        freeze(letter)


def test_nothing_is_frozen_while_the_counts_do_not_agree(signed: Letter) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE signatures_countdelta SET number = number + 1")
    with pytest.raises(freezing.CountsDiffer):
        freeze(signed)
    assert not Delivery.objects.exists()


def test_E3_concurrent_writes_are_in_the_delivery_completely_or_not_at_all(signed: Letter) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            row = make_signature(signed, "Meanwhile")
            withdrawal.withdraw(row)
            make_signature(signed, "", visibility=Visibility.COUNTED)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _each in range(5):
            delivery = freeze(signed)
            named = delivery.rows.filter(number__isnull=False)
            assert delivery.counts["delivered"] == delivery.rows.count()
            assert delivery.counts["named"] == named.count() == named.exclude(name="").count()
    finally:
        stop.set()
        writer.join()


def test_concurrent_freezings_get_different_numbers(signed: Letter) -> None:
    numbers: list[int] = []

    def one() -> None:
        numbers.append(freeze(signed).number)
        connection.close()

    threads = [threading.Thread(target=one) for _each in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == [1, 2, 3]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE signatures_deliveryentry SET name = 'Other' WHERE number = 1",
        "UPDATE signatures_deliveryentry SET leaf = '\\x00'",
        "UPDATE signatures_deliveryentry SET name = '', role = '', organization = '', country = '', salt = NULL, signed_on = NULL, number = 9",
        "DELETE FROM signatures_deliveryentry",
        "UPDATE signatures_delivery SET counts = '{}'",
        "UPDATE signatures_delivery SET number = 7",
        "UPDATE signatures_delivery SET texts = '[]'",
        "UPDATE signatures_delivery SET reason = 'other'",
        "DELETE FROM signatures_delivery",
    ],
)
def test_the_database_refuses_to_change_what_was_frozen(signed: Letter, statement: str) -> None:
    freeze(signed)
    with pytest.raises((IntegrityError, InternalError)), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_root_is_set_once(signed: Letter) -> None:
    freeze(signed)
    Delivery.objects.update(root="ab" * 32, state="ready")
    with pytest.raises((IntegrityError, InternalError)), transaction.atomic():
        Delivery.objects.update(root="cd" * 32)


def ready(letter: Letter) -> Delivery:
    delivery = freeze(letter)
    Delivery.objects.filter(pk=delivery.pk).update(root="ab" * 32, state="ready")
    return delivery


def test_R8_erasing_a_person_blanks_their_words_and_keeps_the_leaf(signed: Letter) -> None:
    delivery = freeze(signed)
    zelda = Signature.objects.get(name="Zelda")
    before = delivery.rows.get(signature_id=zelda.pk)

    withdrawal.erase(zelda)

    after = delivery.rows.get(pk=before.pk)
    assert (after.name, after.salt, after.signed_on) == ("", None, None)
    assert (after.number, bytes(after.leaf)) == (before.number, bytes(before.leaf))


def hand_over(delivery: Delivery) -> Delivery:
    return freezing.hand_over(delivery, by=None, on=day_of(delivery), to="The embassy", at="Washington")


def errata(delivery: Delivery) -> list[int]:
    return list(delivery.errata.order_by("number").values_list("number", flat=True))


def test_a_withdrawal_after_handing_over_is_a_numbered_erratum(signed: Letter) -> None:
    delivery = hand_over(ready(signed))
    for name in ("Zelda", "ada lovelace"):
        withdrawal.withdraw(Signature.objects.get(name=name))
    withdrawal.erase(Signature.objects.get(name="김철수"))
    assert errata(delivery) == [1, 2, 3]
    assert freeze(signed).counts["errata"] == {"1": 3}


def test_a_withdrawal_before_handing_over_becomes_an_erratum_at_handing_over(signed: Letter) -> None:
    delivery = ready(signed)
    withdrawal.withdraw(Signature.objects.get(name="Zelda"))
    assert errata(delivery) == [] and entries_that_left(delivery).count() == 1
    assert errata(hand_over(delivery)) == [1]


def test_nobody_is_an_erratum_twice(signed: Letter) -> None:
    delivery = hand_over(ready(signed))
    zelda = Signature.objects.get(name="Zelda")
    withdrawal.withdraw(zelda)
    withdrawal.erase(zelda)
    assert errata(delivery) == [1]


def test_handing_over_needs_ready_files_and_acknowledging_needs_handing_over(signed: Letter) -> None:
    frozen = freeze(signed)
    with pytest.raises(TransitionNotAllowed):
        hand_over(frozen)
    Delivery.objects.update(root="ab" * 32, state="ready")
    with pytest.raises(TransitionNotAllowed):
        freezing.acknowledge(frozen, by=None, on=day_of(frozen))
    done = freezing.acknowledge(hand_over(frozen), by=None, on=day_of(frozen))
    signed.refresh_from_db()
    assert (done.state, signed.acknowledged_on) == ("acknowledged", day_of(frozen))
    with pytest.raises(TransitionNotAllowed):
        freezing.void(done, by=None, reason="no")
