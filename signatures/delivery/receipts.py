"""The proof: a Merkle tree over the leaves of a delivery (RFC 9162, by pymerkle), and each signer's receipt."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from itertools import batched
from typing import Any

from django.utils.translation import gettext as _
from pymerkle import BaseMerkleTree

from signatures.models import DeliveryEntry

FORMAT = 1
BLOCK = 1024  # leaves; the roots of whole blocks are kept, so that a receipt of a million reads two blocks
COUNTED = "counted"
LONGEST = 20_000  # characters of a receipt: the longest words there are, each letter escaped, and a path of 64

_DIGEST = re.compile(r"[0-9a-f]{64}")
_SLUG = re.compile(r"[-\w]{1,50}", re.ASCII)


class ProofBroken(Exception):
    """A receipt does not belong to a delivery; the message is one sentence for who holds it."""


def leaf_content(row: Sequence[str] | None) -> str:
    """What a leaf is made of beside its salt: the cells of a row of the CSV, or the word for who is counted only."""
    return COUNTED if row is None else json.dumps(list(row), ensure_ascii=False, separators=(",", ":"))


def leaf_hash(salt: bytes, said: str) -> bytes:
    # A flipped byte in a file may leave half a character, which must give a wrong leaf and not an error.
    return hashlib.sha256(b"\0" + salt + said.encode("utf-8", "surrogatepass")).digest()


class Leaves(BaseMerkleTree):  # type: ignore[misc]  # pymerkle comes without types
    """pymerkle's tree over leaves that lie elsewhere: `read` brings those of one block."""

    def __init__(self, size: int, read: Callable[[int], Sequence[bytes]], tops: bytes = b"") -> None:
        super().__init__("sha256")
        self._size, self._block = size, cache(read)
        roots = [tops[at : at + 32] for at in range(0, len(tops), 32)]
        self._tops = Leaves(len(roots), lambda block: roots[block * BLOCK : (block + 1) * BLOCK]) if roots else None

    def _get_size(self) -> int:
        return self._size

    def _get_leaf(self, index: int) -> bytes:
        return self._get_leaves(index - 1, 1)[0]

    def _get_leaves(self, offset: int, width: int) -> list[bytes]:
        first, last = offset // BLOCK, (offset + width - 1) // BLOCK
        found = [leaf for block in range(first, last + 1) for leaf in self._block(block)]
        return found[offset - first * BLOCK :][:width]

    def _get_subroot(self, offset: int, width: int) -> bytes:
        if self._tops is not None and width >= BLOCK:
            return bytes(self._tops._get_subroot_uncached(offset // BLOCK, width // BLOCK))
        return bytes(self._get_subroot_uncached(offset, width))

    def _encode_entry(self, data: Any) -> bytes:
        raise NotImplementedError("a delivery is frozen")

    def _store_leaf(self, data: Any, digest: bytes) -> int:
        raise NotImplementedError("a delivery is frozen")


@dataclass(frozen=True)
class Tree:
    """What is kept of a tree: with `tops` (the roots of its whole blocks) any path is found from its leaves."""

    root: bytes
    size: int
    tops: bytes


def build(leaves: Iterable[bytes]) -> Tree:
    """The tree over these leaves, in this order, in memory that does not grow with them."""
    tops, size = bytearray(), 0
    rest: tuple[bytes, ...] = ()
    for block in batched(leaves, BLOCK):
        size += len(block)
        if len(block) == BLOCK:
            tops += Leaves(BLOCK, [block].__getitem__).get_root()
        else:
            rest = block
    kept = bytes(tops)
    return Tree(Leaves(size, lambda _block: rest, kept).get_root(), size, kept)


def inclusion_path(place: int, size: int, read: Callable[[int], Sequence[bytes]], tops: bytes) -> list[bytes]:
    """The siblings on the way from this leaf to the root."""
    return list(Leaves(size, read, tops).prove_inclusion(place + 1).path[1:])


def root_of_path(leaf: bytes, place: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root to which a path leads (RFC 9162, 2.1.3.2); nothing when it has not the length that this tree asks for.

    READ-ME.txt of every package holds the same lines, so that anybody can do without ours.
    """
    at, last, root = place, size - 1, leaf
    if at > last:
        return None
    for sibling in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            root = hashlib.sha256(b"\1" + sibling + root).digest()
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            root = hashlib.sha256(b"\1" + root + sibling).digest()
        at, last = at >> 1, last >> 1
    return root if last == 0 else None


@dataclass(frozen=True)
class Receipt:
    """That one signature is in one delivery. It names nobody but the person who holds it, and nobody counted only."""

    format: int
    letter: str
    delivery: int
    place: int  # of the leaf, from 0
    size: int  # of the tree
    row: list[str] | None  # as in the CSV, before the formula guard; nothing for who is counted only
    salt: str
    leaf: str
    path: list[str]
    root: str

    def __str__(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))


def issue(row: DeliveryEntry) -> Receipt:
    """The receipt of this row of a delivery whose files are made.

    Raises:
        NotProven: when it would not hold: nobody is handed such a one.
    """
    delivery = row.delivery
    rows = DeliveryEntry.objects.filter(delivery=delivery)

    def read(block: int) -> list[bytes]:
        places = (block * BLOCK, (block + 1) * BLOCK - 1)
        leaves = rows.filter(place__range=places).order_by("place").values_list("leaf", flat=True)
        return [bytes(leaf) for leaf in leaves]

    size = delivery.counts["delivered"]
    receipt = Receipt(
        format=FORMAT,
        letter=delivery.letter.slug,
        delivery=delivery.number,
        place=row.place,
        size=size,
        row=csv_cells(row) if row.number else None,
        salt=bytes(row.salt or b"").hex(),
        leaf=bytes(row.leaf).hex(),
        path=[sibling.hex() for sibling in inclusion_path(row.place, size, read, bytes(delivery.tops))],
        root=delivery.root,
    )
    verify_receipt(receipt, letter=receipt.letter, number=delivery.number, size=size, root=delivery.root)
    return receipt


def csv_cells(row: DeliveryEntry) -> list[str]:
    """The row of the CSV, before the formula guard."""
    day = row.signed_on.isoformat() if row.signed_on else ""
    words = [row.kind, row.name, row.role, row.organization, row.country]
    return [str(row.number), *words, day, row.language, str(row.revision)]


def parse(text: str) -> Receipt:
    """A receipt as somebody pasted it.

    Raises:
        NotProven: when it is none.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ProofBroken(
            _("This is not a whole receipt. It begins with { and ends with }; please paste all of it.")
        ) from None
    if not isinstance(found, dict) or set(found) != {field.name for field in fields(Receipt)} or not _fits(found):
        raise ProofBroken(
            _("This is not a receipt as this site gives them: something in it is missing or has another form.")
        )
    return Receipt(**found)


def _fits(found: dict[str, Any]) -> bool:
    row, path = found["row"], found["path"]
    return (
        all(type(found[name]) is int and 0 <= found[name] < 2**31 for name in ("format", "delivery", "place", "size"))
        and found["format"] == FORMAT
        and isinstance(found["letter"], str)
        and _SLUG.fullmatch(found["letter"]) is not None
        and (row is None or (_all_text(row) and len(row) == 9))
        and _all_text(path)
        and len(path) <= 64
        and _all_text([found[name] for name in ("salt", "leaf", "root")])
        and all(_DIGEST.fullmatch(digest) for digest in (found["salt"], found["leaf"], found["root"], *path))
    )


def _all_text(cells: Any) -> bool:
    return isinstance(cells, list) and all(isinstance(cell, str) for cell in cells)


def verify_receipt(receipt: Receipt, *, letter: str, number: int, size: int, root: str) -> None:
    """Whether this receipt belongs to the delivery with this root.

    Raises:
        NotProven: when it does not, with the reason.
    """
    if (receipt.letter, receipt.delivery) != (letter, number):
        raise ProofBroken(
            _("This receipt is of another delivery: %(delivery)s.")
            % {"delivery": f"{receipt.letter} {receipt.delivery}"}
        )
    if receipt.root != root:
        raise ProofBroken(_("The root in this receipt is not the root of this delivery."))
    if receipt.size != size:
        raise ProofBroken(_("This receipt speaks of another number of signatures than this delivery has."))
    leaf = leaf_hash(bytes.fromhex(receipt.salt), leaf_content(receipt.row))
    if leaf.hex() != receipt.leaf:
        raise ProofBroken(_("The words and the salt in this receipt do not give its leaf: one of them was changed."))
    path = [bytes.fromhex(sibling) for sibling in receipt.path]
    if root_of_path(leaf, receipt.place, size, path) != bytes.fromhex(root):
        raise ProofBroken(
            _("The path in this receipt does not lead from its leaf to the root: something in it was changed.")
        )
