"""The Merkle tree over the leaves of a delivery (RFC 9162, by pymerkle)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import batched
from typing import Any

from pymerkle import BaseMerkleTree

BLOCK_SIZE = 1024  # leaves; the roots of whole blocks are stored, so that a receipt of a million reads two blocks
DIGEST_SIZE = 32  # bytes


class StoredTree(BaseMerkleTree):  # type: ignore[misc]  # pymerkle comes without types
    """pymerkle's tree over leaves that are stored elsewhere: `read_block` fetches those of one block."""

    def __init__(self, size: int, read_block: Callable[[int], Sequence[bytes]], subtree_roots: bytes = b"") -> None:
        super().__init__("sha256")
        self._size, self._read_block = size, cache(read_block)
        roots = [subtree_roots[at : at + DIGEST_SIZE] for at in range(0, len(subtree_roots), DIGEST_SIZE)]
        self._upper = StoredTree(len(roots), lambda block: roots[block * BLOCK_SIZE :][:BLOCK_SIZE]) if roots else None

    def _get_size(self) -> int:
        return self._size

    def _get_leaf(self, index: int) -> bytes:
        return self._get_leaves(index - 1, 1)[0]

    def _get_leaves(self, offset: int, width: int) -> list[bytes]:
        first, last = offset // BLOCK_SIZE, (offset + width - 1) // BLOCK_SIZE
        leaves = [leaf for block in range(first, last + 1) for leaf in self._read_block(block)]
        return leaves[offset - first * BLOCK_SIZE :][:width]

    def _get_subroot(self, offset: int, width: int) -> bytes:
        if self._upper is not None and width >= BLOCK_SIZE:
            return bytes(self._upper._get_subroot_uncached(offset // BLOCK_SIZE, width // BLOCK_SIZE))  # noqa: SLF001  # of the same class
        return bytes(self._get_subroot_uncached(offset, width))

    def _encode_entry(self, data: Any) -> bytes:
        raise NotImplementedError("a delivery is frozen")

    def _store_leaf(self, data: Any, digest: bytes) -> int:
        raise NotImplementedError("a delivery is frozen")


@dataclass(frozen=True)
class Tree:
    """What is stored of a tree. With `subtree_roots`, the roots of whole blocks, any path follows from the leaves."""

    root: bytes
    size: int
    subtree_roots: bytes


def build_tree(leaves: Iterable[bytes]) -> Tree:
    """Returns the tree over these leaves, in this order. Memory does not grow with the number of leaves."""
    subtree_roots, size = bytearray(), 0
    last_block: tuple[bytes, ...] = ()
    for block in batched(leaves, BLOCK_SIZE):
        size += len(block)
        if len(block) == BLOCK_SIZE:
            subtree_roots += StoredTree(BLOCK_SIZE, [block].__getitem__).get_root()
        else:
            last_block = block
    stored = bytes(subtree_roots)
    return Tree(StoredTree(size, lambda _block: last_block, stored).get_root(), size, stored)


def inclusion_path(
    place: int, size: int, read_block: Callable[[int], Sequence[bytes]], subtree_roots: bytes
) -> list[bytes]:
    """Returns the siblings on the way from the leaf at `place`, counted from 0, to the root."""
    return list(StoredTree(size, read_block, subtree_roots).prove_inclusion(place + 1).path[1:])


def root_of_path(leaf: bytes, place: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Returns the root to which a path leads (RFC 9162, 2.1.3.2), None if the path has the wrong length.

    READ-ME.txt of every package holds the same lines, so that anybody can check without this program.
    """
    index, last, root = place, size - 1, leaf
    if index > last:
        return None
    for sibling in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            root = hashlib.sha256(b"\1" + sibling + root).digest()
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            root = hashlib.sha256(b"\1" + root + sibling).digest()
        index, last = index >> 1, last >> 1
    return root if last == 0 else None
