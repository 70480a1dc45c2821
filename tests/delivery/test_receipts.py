"""Each signer's receipt: it proves that they are in the delivered letter, and names nobody else."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaign.models import Letter
from signatures.delivery import freezing, merkle, receipts
from signatures.models import Delivery, DeliveryEntry, Signature
from signatures.signing import withdrawal
from signatures.states import State, Visibility
from tests.delivery.factories import make_delivery, make_files
from tests.factories import make_many, make_signature


@pytest.fixture
def signed(letter: Letter) -> Letter:
    make_signature(letter, "Зоя Космодемьянская", country="UA")
    make_signature(letter, 'Ada "A" \\ Lovelace', country="GB", role="=1+1", organization="'quoted")
    make_many(letter, 20)
    for _each in range(3):
        make_signature(letter, "", visibility=Visibility.COUNTED, country="KP")
    make_signature(letter, "WaitingSignature", State.WAITING)
    return letter


@pytest.fixture
def delivery(signed: Letter) -> Delivery:
    return make_delivery(signed)


def check_belongs(receipt: receipts.Receipt, delivery: Delivery) -> None:
    receipts.verify_receipt(receipts.parse(str(receipt)), digest=delivery.digest)


@pytest.mark.django_db
def test_each_signature_has_a_receipt_that_leads_to_the_root(delivery: Delivery) -> None:
    rows = list(delivery.rows.select_related("delivery__letter"))
    assert len(rows) == 25
    for row in rows:
        receipt = receipts.issue(row)
        check_belongs(receipt, delivery)
        assert (receipt.statement["number"], receipt.statement["list"]["leaves"]) == (1, 25)
        assert (receipt.row is None) == (row.number is None)


@pytest.mark.django_db
def test_a_receipt_is_one_line_and_holds_the_row_of_the_csv(delivery: Delivery) -> None:
    row = delivery.rows.get(name__startswith="Ada")
    text = str(receipts.issue(row))
    assert "\n" not in text
    day = f"{row.signed_on:%Y-%m-%d}"
    words = ["person", 'Ada "A" \\ Lovelace', "=1+1", "'quoted", "GB", day, "en", "1", "web"]
    assert json.loads(text)["row"] == [str(row.number), *words]
    assert len(text) < receipts.MAX_LENGTH


@pytest.mark.django_db
def test_a_receipt_reveals_nobody_else(delivery: Delivery) -> None:
    others = set(delivery.rows.exclude(name="").values_list("name", flat=True))
    salts = {bytes(salt or b"").hex() for salt in delivery.rows.values_list("salt", flat=True)}
    for row in delivery.rows.all():
        text = str(receipts.issue(row))
        assert not [name for name in others - {row.name} if name in text]
        assert [salt for salt in salts if salt in text] == [bytes(row.salt or b"").hex()]
        if row.number is None:
            assert '"row":null' in text and "KP" not in text
        neighbors = {bytes(leaf).hex() for leaf in delivery.rows.exclude(pk=row.pk).values_list("leaf", flat=True)}
        assert len(neighbors & set(json.loads(text)["path"])) <= 2, "the leaf beside it, the last one: without salt"


FORGERIES: dict[str, Callable[[Any], Any]] = {
    "format": lambda _old: 1,
    "statement": lambda old: {**old, "number": old["number"] + 1},
    "place": lambda old: old ^ 1,
    "row": lambda old: [*old[:2], "Somebody Else", *old[3:]],
    "salt": lambda old: "00" + old[2:],
    "path": lambda old: [*old[:-1], "00" + old[-1][2:]],
}


def test_every_field_of_a_receipt_is_forged_below() -> None:
    assert set(FORGERIES) == {field.name for field in dataclasses.fields(receipts.Receipt)}


@pytest.mark.django_db
@pytest.mark.parametrize("field", FORGERIES)
def test_a_forged_receipt_fails_whichever_field_was_changed(delivery: Delivery, field: str) -> None:
    receipt = receipts.issue(delivery.rows.select_related("delivery__letter").get(number=7))
    forged = dataclasses.replace(receipt, **{field: FORGERIES[field](getattr(receipt, field))})
    assert forged != receipt
    with pytest.raises(receipts.InvalidReceipt):
        check_belongs(forged, delivery)


@pytest.mark.django_db
def test_every_cell_and_every_sibling_counts(delivery: Delivery) -> None:
    receipt = receipts.issue(delivery.rows.select_related("delivery__letter").get(number=7))
    assert receipt.row is not None
    rows = [[*receipt.row[:at], receipt.row[at] + "x", *receipt.row[at + 1 :]] for at in range(10)]
    paths = [[*receipt.path[:at], "ab" * 32, *receipt.path[at + 1 :]] for at in range(len(receipt.path))]
    paths += [receipt.path[1:], receipt.path[:-1], [*receipt.path, "ab" * 32], receipt.path[::-1], []]
    forged = [dataclasses.replace(receipt, row=row) for row in [*rows, None]]
    forged += [dataclasses.replace(receipt, path=path) for path in paths]
    forged += [dataclasses.replace(receipt, place=place) for place in range(99) if place != receipt.place]
    for each in forged:
        with pytest.raises(receipts.InvalidReceipt):
            check_belongs(each, delivery)


@pytest.mark.django_db
def test_a_named_person_cannot_pass_for_one_who_is_counted_only_nor_the_other_way(delivery: Delivery) -> None:
    counted = receipts.issue(delivery.rows.filter(number=None)[0])
    row = ["24", "person", "Somebody", "", "", "", "2026-01-01", "en", "1", "web"]
    with pytest.raises(receipts.InvalidReceipt, match="do not lead to the root"):
        check_belongs(dataclasses.replace(counted, row=row), delivery)
    named = receipts.issue(delivery.rows.get(number=7))
    with pytest.raises(receipts.InvalidReceipt, match="do not lead to the root"):
        check_belongs(dataclasses.replace(named, row=None), delivery)


@pytest.mark.django_db
def test_a_node_of_the_tree_does_not_pass_for_a_leaf(delivery: Delivery) -> None:
    """The second-preimage attack: a path that starts one level higher."""
    receipt = receipts.issue(delivery.rows.select_related("delivery__letter").get(number=1))
    with pytest.raises(receipts.InvalidReceipt, match="do not lead to the root"):
        check_belongs(dataclasses.replace(receipt, path=receipt.path[1:]), delivery)


GOOD: dict[str, Any] = {
    "format": 2, "statement": {"list": {"leaves": 1, "root": "ab" * 32}}, "place": 0, "row": None, "salt": "ab" * 32, "path": [],
}  # fmt: skip
BAD_VALUES: dict[str, list[Any]] = {
    "format": [0, 1, 3, True, 2.0, "2", None],
    "statement": [
        None, "", [], {}, {"list": None}, {"list": {}}, {"list": {"leaves": "1", "root": "ab" * 32}},
        {"list": {"leaves": 1, "root": "AB" * 32}}, {"list": {"leaves": True, "root": "ab" * 32}},
        {"list": {"leaves": 2**40, "root": "ab" * 32}}, {"list": {"leaves": 1, "root": None}},
    ],
    "place": [-1, True, None],
    "row": ["counted", [], ["1"] * 9, ["1"] * 11, [1] * 10, {}, True],
    "salt": ["", "AB" * 32, "ab" * 31, "ab" * 33, None, 7, "zz" * 32],
    "path": [None, "ab" * 32, [None], [""], ["ab" * 32] * 65, {}],
}  # fmt: skip


def test_the_receipt_of_the_cases_below_is_valid() -> None:
    assert receipts.parse(json.dumps(GOOD)).place == 0


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "7", "[]", "{}", "\ufeff{}", "[" * 15_000, '{"place": ' + "9" * 5_000 + "}", "\x00", "NaN"]
    + [json.dumps({**GOOD, field: value}) for field, values in BAD_VALUES.items() for value in values]
    + [json.dumps({key: value for key, value in GOOD.items() if key != gone}) for gone in GOOD]
    + [json.dumps({**GOOD, "more": 1}), json.dumps(GOOD)[:-1] + ', "place": 0}'],
)
def test_an_invalid_receipt_has_a_reason_and_raises_no_other_error(text: str) -> None:
    with pytest.raises(receipts.InvalidReceipt):
        receipts.parse(text)


@pytest.mark.parametrize("wrong", [{"row": ["\ud800"] * 10}, {"statement": {**GOOD["statement"], "a": 2**60}}])
def test_what_no_canonical_json_holds_is_no_receipt(wrong: dict[str, Any]) -> None:
    receipt = receipts.parse(json.dumps({**GOOD, **wrong}))
    digest = receipts.parse(json.dumps(GOOD)).digest
    with pytest.raises(receipts.InvalidReceipt, match="in a different form"):
        receipts.verify_receipt(receipt, digest=digest)


def test_a_receipt_of_version_0_9_is_told_what_checks_it() -> None:
    with pytest.raises(receipts.InvalidReceipt, match=r"version 0.9 .* READ-ME.txt"):
        receipts.parse('{"format":1,"letter":"bridge","delivery":1,"place":0,"size":1,"row":null}')


@pytest.mark.django_db
def test_the_receipt_of_one_delivery_does_not_belong_to_another(signed: Letter, delivery: Delivery) -> None:
    receipt = receipts.issue(delivery.rows.select_related("delivery__letter").get(number=7))
    make_many(signed, 1)
    with pytest.raises(receipts.InvalidReceipt, match="another delivery"):
        check_belongs(receipt, make_delivery(signed))


@pytest.mark.django_db
def test_after_an_erasure_the_others_receipts_hold(signed: Letter, delivery: Delivery) -> None:
    withdrawal.erase(Signature.objects.get(name__startswith="Ada"))
    for row in delivery.rows.filter(salt__isnull=False).select_related("delivery__letter"):
        check_belongs(receipts.issue(row), delivery)


@pytest.mark.django_db
def test_a_receipt_that_would_be_invalid_is_never_issued(delivery: Delivery) -> None:
    row = delivery.rows.select_related("delivery__letter").get(number=7)
    row.salt = bytes(32)
    with pytest.raises(receipts.InvalidReceipt):
        receipts.issue(row)


@pytest.mark.django_db
def test_a_receipt_reads_two_blocks_at_most(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merkle, "BLOCK_SIZE", 4)
    make_many(letter, 27)
    delivery = make_delivery(letter)
    assert len(delivery.subtree_roots) == 6 * 32
    for row in delivery.rows.select_related("delivery__letter"):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            check_belongs(receipts.issue(row), delivery)
        assert len(asked) <= 2


@pytest.mark.django_db
def test_a_paper_signature_without_a_day_has_all_ten_cells_in_its_leaf(letter: Letter) -> None:
    make_signature(letter, "On Paper", paper=True, address_hash=None, confirmed_at=None)
    row = DeliveryEntry.objects.select_related("delivery__letter").get(delivery=make_delivery(letter))
    receipt = receipts.issue(row)
    assert receipt.row is not None and receipt.row[6] == ""
    check_belongs(receipt, row.delivery)


@pytest.mark.django_db(transaction=True)
def test_another_process_finds_the_path_from_the_database(letter: Letter, tmp_path: Path) -> None:
    """The build stores root and subtree roots in the row of the delivery; nothing is kept in its memory."""
    make_many(letter, 3)
    delivery = freezing.freeze(letter, by=None, reason="for a test")
    make_files(delivery, tmp_path)
    connection.close()
    check_belongs(
        receipts.issue(DeliveryEntry.objects.select_related("delivery__letter").get(number=2)), Delivery.objects.get()
    )
