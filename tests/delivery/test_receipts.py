"""The Merkle tree over all leaves, and each signer's receipt, which proves that they are in it and names nobody else."""

import dataclasses
import json
import random
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InclusionProof, InmemoryTree, InvalidProof, verify_inclusion
from pymerkle.core import _inclusion_path_layout

from campaign.models import Letter
from signatures.delivery import freezing, merkle, receipts
from signatures.models import Delivery, DeliveryEntry, Signature
from signatures.signing import withdrawal
from signatures.states import State, Visibility
from tests.delivery.factories import make_delivery
from tests.factories import make_many, make_signature

BLOCK = merkle.BLOCK_SIZE


class PlainTree(InmemoryTree):  # type: ignore[misc]  # pymerkle comes without types
    """pymerkle's own tree over leaves that are hashed already."""

    def hash_buff(self, data: bytes) -> bytes:
        return data


def leaves_of(size: int) -> list[bytes]:
    return [sha256(b"%d" % number).digest() for number in range(size)]


def block_reader(leaves: Sequence[bytes]) -> Callable[[int], Sequence[bytes]]:
    return lambda block: leaves[block * BLOCK : (block + 1) * BLOCK]


# The tree


@pytest.mark.parametrize(
    "size", [*range(1, 71), 1023, 1024, 1025, 2048, 2049, 5000, 7168, *random.Random(5).sample(range(71, 9000), 5)]
)
def test_root_and_paths_equal_those_of_pymerkle_itself(size: int) -> None:
    leaves = leaves_of(size)
    plain_tree = PlainTree.init_from_entries(leaves)

    tree = merkle.build_tree(iter(leaves))

    assert (tree.root, tree.size, len(tree.subtree_roots)) == (plain_tree.get_root(), size, size // BLOCK * 32)
    places = (
        range(size)
        if size < 71
        else [*random.Random(size).sample(range(size), 12), 0, size - 1, max(0, size // BLOCK * BLOCK - 1)]
    )
    for place in places:
        path = merkle.inclusion_path(place, size, block_reader(leaves), tree.subtree_roots)
        proof = plain_tree.prove_inclusion(place + 1)
        assert path == proof.path[1:]
        assert merkle.root_of_path(leaves[place], place, size, path) == tree.root


def test_a_tree_with_more_than_one_block_of_subtree_roots() -> None:
    """With more than a million leaves the subtree roots fill more than one block; the upper tree is tested directly."""
    leaves = leaves_of(300)
    tree = merkle.StoredTree(300, lambda block: leaves[block * BLOCK :][:BLOCK])
    big = [sha256(b"\1" + a + b).digest() for a, b in zip(leaves[::2], leaves[1::2], strict=True)]
    assert tree.get_root() == merkle.StoredTree(150, block_reader(big)).get_root()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_path_is_valid_exactly_when_pymerkle_accepts_it(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 90))
    place = data.draw(st.integers(0, size - 1))
    leaves = leaves_of(size)
    tree = merkle.build_tree(leaves)
    path = merkle.inclusion_path(place, size, block_reader(leaves), tree.subtree_roots)
    leaf, claimed, of = leaves[place], place, size
    match data.draw(st.sampled_from(["true", "leaf", "place", "size", "flip", "drop", "more", "swap"])):
        case "leaf":
            leaf = leaves[data.draw(st.integers(0, size - 1))]
        case "place":
            claimed = data.draw(st.integers(0, size - 1))
        case "size":
            of = data.draw(st.integers(place + 1, 100))
        case "flip" if path:
            at = data.draw(st.integers(0, len(path) - 1))
            path[at] = bytes([path[at][0] ^ 1]) + path[at][1:]
        case "drop" if path:
            del path[data.draw(st.integers(0, len(path) - 1))]
        case "more":
            path.insert(data.draw(st.integers(0, len(path))), data.draw(st.sampled_from(leaves)))
        case "swap":
            path.reverse()
    rule, _ranges = _inclusion_path_layout(claimed + 1, of)
    proof = InclusionProof("sha256", True, of, claimed + 1, rule, [leaf, *path])
    try:
        verify_inclusion(leaf, tree.root, proof, index=claimed + 1, size=of)
        holds = True
    except InvalidProof:
        holds = False
    assert (merkle.root_of_path(leaf, claimed, of, path) == tree.root) is holds


# A receipt


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
    read = receipts.parse(str(receipt))
    size = delivery.counts["delivered"]
    receipts.verify_receipt(read, letter=delivery.letter.slug, number=delivery.number, size=size, root=delivery.root)


@pytest.mark.django_db
def test_each_signature_has_a_receipt_that_leads_to_the_root(delivery: Delivery) -> None:
    rows = list(delivery.rows.select_related("delivery__letter"))
    assert len(rows) == 25
    for row in rows:
        receipt = receipts.issue(row)
        check_belongs(receipt, delivery)
        assert (receipt.letter, receipt.delivery, receipt.size) == ("bridge", 1, 25)
        assert (receipt.row is None) == (row.number is None)


@pytest.mark.django_db
def test_a_receipt_is_one_line_and_holds_the_row_of_the_csv(delivery: Delivery) -> None:
    row = delivery.rows.get(name__startswith="Ada")
    text = str(receipts.issue(row))
    assert "\n" not in text
    day = f"{row.signed_on:%Y-%m-%d}"
    words = ["person", 'Ada "A" \\ Lovelace', "=1+1", "'quoted", "GB", day, "en", "1"]
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
    "format": lambda _old: 2,
    "letter": lambda _old: "other",
    "delivery": lambda old: old + 1,
    "place": lambda old: old ^ 1,
    "size": lambda old: old + 1,
    "row": lambda old: [*old[:2], "Somebody Else", *old[3:]],
    "salt": lambda old: "00" + old[2:],
    "leaf": lambda old: "00" + old[2:],
    "path": lambda old: [*old[:-1], "00" + old[-1][2:]],
    "root": lambda old: "00" + old[2:],
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
    rows = [[*receipt.row[:at], receipt.row[at] + "x", *receipt.row[at + 1 :]] for at in range(9)]
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
    row = ["24", "person", "Somebody", "", "", "", "2026-01-01", "en", "1"]
    content = receipts.leaf_content(row)
    leaf = receipts.leaf_hash(bytes.fromhex(counted.salt), content).hex()
    for forged in (dataclasses.replace(counted, row=row), dataclasses.replace(counted, row=row, leaf=leaf)):
        with pytest.raises(receipts.InvalidReceipt):
            check_belongs(forged, delivery)


@pytest.mark.django_db
def test_a_node_of_the_tree_does_not_pass_for_a_leaf(delivery: Delivery) -> None:
    """The second-preimage attack: a path that starts one level higher."""
    receipt = receipts.issue(delivery.rows.select_related("delivery__letter").get(number=1))
    higher = sha256(b"\1" + bytes.fromhex(receipt.leaf) + bytes.fromhex(receipt.path[0])).hexdigest()
    with pytest.raises(receipts.InvalidReceipt):
        check_belongs(dataclasses.replace(receipt, leaf=higher, path=receipt.path[1:]), delivery)


GOOD = {
    "format": 1, "letter": "bridge", "delivery": 1, "place": 0, "size": 1, "row": None, "salt": "ab" * 32, "leaf": "ab" * 32, "path": [], "root": "ab" * 32,
}  # fmt: skip
BAD_VALUES: dict[str, list[Any]] = {
    "format": [0, 2, True, 1.0, "1", None],
    "letter": [None, "", "a b", "\ud800", "x" * 51, ["bridge"]],
    "delivery": [-1, "1", True, 2**31, 1.5],
    "place": [-1, True, None],
    "size": ["1", 2**40],
    "row": ["counted", [], ["1"] * 8, ["1"] * 10, [1] * 9, {}, True],
    "salt": ["", "AB" * 32, "ab" * 31, "ab" * 33, None, 7, "zz" * 32],
    "leaf": ["", None],
    "path": [None, "ab" * 32, [None], [""], ["ab" * 32] * 65, {}],
    "root": ["", None, " " + "ab" * 32],
}


def test_the_receipt_of_the_cases_below_is_valid() -> None:
    assert receipts.parse(json.dumps(GOOD)).letter == "bridge"


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "7", "[]", "{}", "\ufeff{}", "[" * 15_000, '{"place": ' + "9" * 5_000 + "}", "\x00", "NaN"]
    + [json.dumps({**GOOD, field: value}) for field, values in BAD_VALUES.items() for value in values]
    + [json.dumps({key: value for key, value in GOOD.items() if key != gone}) for gone in GOOD]
    + [json.dumps({**GOOD, "more": 1})],
)
def test_an_invalid_receipt_has_a_reason_and_raises_no_other_error(text: str) -> None:
    with pytest.raises(receipts.InvalidReceipt):
        receipts.parse(text)


def test_a_row_with_half_a_character_gives_another_leaf() -> None:
    receipt = receipts.parse(json.dumps({**GOOD, "row": ["\ud800"] * 9}))
    with pytest.raises(receipts.InvalidReceipt, match="do not match its leaf"):
        receipts.verify_receipt(receipt, letter="bridge", number=1, size=1, root="ab" * 32)


@pytest.mark.django_db
def test_the_receipt_of_one_delivery_does_not_belong_to_another(signed: Letter, delivery: Delivery) -> None:
    receipt = receipts.issue(delivery.rows.select_related("delivery__letter").get(number=7))
    make_many(signed, 1)
    with pytest.raises(receipts.InvalidReceipt, match="another delivery: bridge 1"):
        check_belongs(receipt, make_delivery(signed))


@pytest.mark.django_db
def test_after_an_erasure_the_others_receipts_hold(signed: Letter, delivery: Delivery) -> None:
    withdrawal.erase(Signature.objects.get(name__startswith="Ada"))
    for row in delivery.rows.filter(salt__isnull=False).select_related("delivery__letter"):
        check_belongs(receipts.issue(row), delivery)


@pytest.mark.django_db
def test_a_receipt_that_would_be_invalid_is_never_issued(delivery: Delivery) -> None:
    row = delivery.rows.select_related("delivery__letter").get(number=7)
    row.delivery.root = "ab" * 32
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
def test_a_paper_signature_without_a_day_has_all_nine_cells_in_its_leaf(letter: Letter) -> None:
    make_signature(letter, "On Paper", paper=True, address_hash=None, confirmed_at=None)
    row = DeliveryEntry.objects.select_related("delivery__letter").get(delivery=make_delivery(letter))
    receipt = receipts.issue(row)
    assert receipt.row is not None and receipt.row[6] == ""
    check_belongs(receipt, row.delivery)


@pytest.mark.django_db(transaction=True)
def test_another_process_finds_the_path_from_the_database(letter: Letter) -> None:
    """The build stores root and subtree roots in the row of the delivery; nothing is kept in its memory."""
    make_many(letter, 3)
    delivery = freezing.freeze(letter, by=None, reason="for a test")
    tree = merkle.build_tree(bytes(leaf) for leaf in delivery.rows.order_by("place").values_list("leaf", flat=True))
    Delivery.objects.update(root=tree.root.hex(), subtree_roots=tree.subtree_roots, state="ready")
    connection.close()
    check_belongs(
        receipts.issue(DeliveryEntry.objects.select_related("delivery__letter").get(number=2)), Delivery.objects.get()
    )
