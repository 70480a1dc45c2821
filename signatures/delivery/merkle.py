"""The Merkle tree over the leaves of a delivery (RFC 9162, 2.1), from hashes that are leaves already.

On each level neighbors are joined in pairs, and a last one without a partner is carried over: that is the tree of the
RFC. The roots of whole blocks are stored, so that the path of one leaf among a million reads two blocks.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched

BLOCK_SIZE = 1024  # leaves; a power of two, so that the root of a block is a node of the tree
DIGEST_SIZE = 32  # bytes


@dataclass(frozen=True)
class Tree:
    """What is stored of a tree. With `subtree_roots`, the roots of whole blocks, any path follows from the leaves."""

    root: bytes
    size: int
    subtree_roots: bytes


def build_tree(leaves: Iterable[bytes]) -> Tree:
    """Returns the tree over these leaves, in this order. Memory does not grow with their number, but for the roots."""
    roots, size = list[bytes](), 0
    for block in batched(leaves, BLOCK_SIZE):
        size += len(block)
        roots.append(_root_of(block))
    return Tree(_root_of(roots), size, b"".join(roots[: size // BLOCK_SIZE]))


def inclusion_path(
    place: int, size: int, read_block: Callable[[int], Sequence[bytes]], subtree_roots: bytes
) -> list[bytes]:
    """Returns the siblings on the way from a leaf to the root.

    Args:
        place: of the leaf, from 0.
        size: of the tree.
        read_block: returns the leaves of the block with this number, from 0.
        subtree_roots: as `Tree` has them.
    """
    own, whole = place // BLOCK_SIZE, size // BLOCK_SIZE
    roots = [subtree_roots[at : at + DIGEST_SIZE] for at in range(0, whole * DIGEST_SIZE, DIGEST_SIZE)]
    if size % BLOCK_SIZE:
        roots.append(_root_of(read_block(whole)))
    return [*_siblings(read_block(own), place % BLOCK_SIZE), *_siblings(roots, own)]


def _joined(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def _next_level(nodes: Sequence[bytes]) -> list[bytes]:
    return [_joined(*pair) if len(pair) == 2 else pair[0] for pair in batched(nodes, 2)]


def _root_of(nodes: Sequence[bytes]) -> bytes:
    while len(nodes) > 1:
        nodes = _next_level(nodes)
    return nodes[0] if nodes else hashlib.sha256().digest()


def _siblings(nodes: Sequence[bytes], index: int) -> Iterator[bytes]:
    """Yields the partner of a node on each level that gives it one."""
    while len(nodes) > 1:
        if index ^ 1 < len(nodes):
            yield nodes[index ^ 1]
        nodes, index = _next_level(nodes), index // 2
