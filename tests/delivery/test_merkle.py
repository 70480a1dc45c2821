"""The Merkle tree over all leaves of a delivery, held to RFC 9162 and to the test vectors of Certificate Transparency."""

import random
from collections.abc import Callable, Sequence
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signatures.delivery import merkle
from signatures.delivery.checker import check

BLOCK = merkle.BLOCK_SIZE
# The inputs of the reference implementation of Certificate Transparency, and the root over the first so many of them.
CT_INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def joined(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def split(size: int) -> int:
    """Returns the largest power of two below the size: k of the RFC."""
    return 1 << (size - 1).bit_length() - 1


def rfc_root(leaves: Sequence[bytes]) -> bytes:
    """Returns MTH of RFC 9162, 2.1.1, as it is written there."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return joined(rfc_root(leaves[:k]), rfc_root(leaves[k:]))


def rfc_path(place: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Returns PATH of RFC 9162, 2.1.3.1, as it is written there."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if place < k:
        return [*rfc_path(place, leaves[:k]), rfc_root(leaves[k:])]
    return [*rfc_path(place - k, leaves[k:]), rfc_root(leaves[:k])]


def leaves_of(size: int) -> list[bytes]:
    return [sha256(b"%d" % number).digest() for number in range(size)]


def block_reader(leaves: Sequence[bytes]) -> Callable[[int], Sequence[bytes]]:
    return lambda block: leaves[block * BLOCK : (block + 1) * BLOCK]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_of_certificate_transparency(size: int) -> None:
    leaves = [sha256(b"\0" + bytes.fromhex(text)).digest() for text in CT_INPUTS[:size]]
    assert merkle.build_tree(leaves).root.hex() == CT_ROOTS[size - 1]


def test_the_root_over_nothing_is_that_of_the_rfc() -> None:
    assert merkle.build_tree([]).root.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    "size", [*range(1, 71), 1023, 1024, 1025, 2048, 2049, 5000, 7168, *random.Random(5).sample(range(71, 9000), 5)]
)
def test_root_and_paths_are_those_that_the_rfc_defines(size: int) -> None:
    leaves = leaves_of(size)
    tree = merkle.build_tree(iter(leaves))
    assert (tree.root, tree.size, len(tree.subtree_roots)) == (rfc_root(leaves), size, size // BLOCK * 32)
    near_ends = [0, size - 1, max(0, size // BLOCK * BLOCK - 1)]
    places = range(size) if size < 71 else [*random.Random(size).sample(range(size), 4), *near_ends]
    for place in places:
        path = merkle.inclusion_path(place, size, block_reader(leaves), tree.subtree_roots)
        assert path == rfc_path(place, leaves)
        assert check.root_of_path(leaves[place], place, size, path) == tree.root


def test_the_path_of_one_leaf_among_many_reads_two_blocks() -> None:
    leaves, read = leaves_of(9 * BLOCK + 5), list[int]()

    def read_block(block: int) -> Sequence[bytes]:
        read.append(block)
        return block_reader(leaves)(block)

    merkle.inclusion_path(3 * BLOCK + 7, len(leaves), read_block, merkle.build_tree(leaves).subtree_roots)
    assert sorted(read) == [3, 9]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_path_that_was_changed_leads_to_the_root_only_if_it_is_the_path_of_the_rfc(data: st.DataObject) -> None:
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
    is_path = leaf == leaves[claimed] and path == rfc_path(claimed, leaves) and _has_shape(claimed, of, size)
    assert (check.root_of_path(leaf, claimed, of, path) == tree.root) is is_path


def _has_shape(place: int, of: int, size: int) -> bool:
    """Returns whether a path in a tree of one size is one in the other, too: the same sides all the way up."""
    return _sides(place, of) == _sides(place, size)


def _sides(place: int, size: int) -> list[bool]:
    if size == 1:
        return []
    k = split(size)
    return [*_sides(place, k), True] if place < k else [*_sides(place - k, size - k), False]
