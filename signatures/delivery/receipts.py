"""Receipts: each proves that one signature is in one delivery, by the path from its leaf to the root."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from django.utils.translation import gettext as _

from campaign.runtime.regular_expressions import ASCII, linear
from signatures.delivery import merkle
from signatures.models import DeliveryEntry

FORMAT = 1
COUNTED = "counted"
CELLS = 9  # columns of the CSV
MAX_LENGTH = 20_000  # characters of a receipt: the longest words there are, each letter escaped, and a path of 64

_DIGEST = linear(r"[0-9a-f]{64}")
_SLUG = linear(r"[-\w]{1,50}", ASCII)


class InvalidReceipt(Exception):
    """A receipt does not belong to a delivery; the message is one sentence for its owner."""


def leaf_content(row: Sequence[str] | None) -> str:
    """Returns what a leaf hashes beside its salt: the cells of a row of the CSV, or a fixed word if counted only."""
    return COUNTED if row is None else json.dumps(list(row), ensure_ascii=False, separators=(",", ":"))


def leaf_hash(salt: bytes, content: str) -> bytes:
    # A flipped byte in a file may leave half a character, which must give a wrong leaf and not an error.
    return hashlib.sha256(b"\0" + salt + content.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True)
class Receipt:
    """The proof that one signature is in one delivery. It holds no words but the signer's own."""

    format: int
    letter: str
    delivery: int
    place: int  # of the leaf, from 0
    size: int  # of the tree
    row: list[str] | None  # as in the CSV, before the formula guard; None if counted only
    salt: str
    leaf: str
    path: list[str]
    root: str

    def __str__(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))


def issue(entry: DeliveryEntry) -> Receipt:
    """Returns the receipt of this entry of a delivery that has a root.

    Raises:
        InvalidReceipt: the receipt would not lead to the root. It is never handed out.
    """
    delivery = entry.delivery
    size = delivery.counts["delivered"]

    def read_block(block: int) -> list[bytes]:
        places = (block * merkle.BLOCK_SIZE, (block + 1) * merkle.BLOCK_SIZE - 1)
        leaves = delivery.rows.filter(place__range=places).order_by("place").values_list("leaf", flat=True)
        return [bytes(leaf) for leaf in leaves]

    path = merkle.inclusion_path(entry.place, size, read_block, bytes(delivery.subtree_roots))
    receipt = Receipt(
        format=FORMAT,
        letter=delivery.slug,
        delivery=delivery.number,
        place=entry.place,
        size=size,
        row=csv_cells(entry) if entry.number else None,
        salt=bytes(entry.salt or b"").hex(),
        leaf=bytes(entry.leaf).hex(),
        path=[sibling.hex() for sibling in path],
        root=delivery.root,
    )
    verify_receipt(receipt, letter=receipt.letter, number=delivery.number, size=size, root=delivery.root)
    return receipt


def csv_cells(entry: DeliveryEntry) -> list[str]:
    """Returns the row of the CSV, before the formula guard."""
    day = entry.signed_on.isoformat() if entry.signed_on else ""
    words = [entry.kind, entry.name, entry.role, entry.organization, entry.country]
    return [str(entry.number), *words, day, entry.language, str(entry.revision)]


def parse(text: str) -> Receipt:
    """Returns the receipt that somebody pasted.

    Raises:
        InvalidReceipt: the text is no receipt.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidReceipt(
            _("This is not the whole receipt. It begins with { and ends with }. Please paste all of it.")
        ) from None
    if not isinstance(found, dict) or set(found) != {field.name for field in fields(Receipt)} or not _has_types(found):
        raise InvalidReceipt(
            _("This does not look like a receipt from this site: something in it is missing or in a different form.")
        )
    return Receipt(**found)


def _has_types(found: dict[str, Any]) -> bool:
    row, path = found["row"], found["path"]
    return (
        all(type(found[name]) is int and 0 <= found[name] < 2**31 for name in ("format", "delivery", "place", "size"))
        and found["format"] == FORMAT
        and isinstance(found["letter"], str)
        and _SLUG.fullmatch(found["letter"]) is not None
        and (row is None or (_all_text(row) and len(row) == CELLS))
        and _all_text(path)
        and len(path) <= 64
        and _all_text([found[name] for name in ("salt", "leaf", "root")])
        and all(_DIGEST.fullmatch(digest) for digest in (found["salt"], found["leaf"], found["root"], *path))
    )


def _all_text(cells: Any) -> bool:
    return isinstance(cells, list) and all(isinstance(cell, str) for cell in cells)


def verify_receipt(receipt: Receipt, *, letter: str, number: int, size: int, root: str) -> None:
    """Checks that this receipt belongs to the delivery with this root.

    Raises:
        InvalidReceipt: it does not; the message says why.
    """
    if (receipt.letter, receipt.delivery) != (letter, number):
        raise InvalidReceipt(
            _("This receipt belongs to another delivery: %(delivery)s.")
            % {"delivery": f"{receipt.letter} {receipt.delivery}"}
        )
    if receipt.root != root:
        raise InvalidReceipt(_("The root in this receipt is not the root of this delivery."))
    if receipt.size != size:
        raise InvalidReceipt(_("This receipt gives a different number of signatures than this delivery has."))
    leaf = leaf_hash(bytes.fromhex(receipt.salt), leaf_content(receipt.row))
    if leaf.hex() != receipt.leaf:
        raise InvalidReceipt(
            _("The words and the salt in this receipt do not match its leaf: one of them was changed.")
        )
    path = [bytes.fromhex(sibling) for sibling in receipt.path]
    if merkle.root_of_path(leaf, receipt.place, size, path) != bytes.fromhex(root):
        raise InvalidReceipt(
            _("The path in this receipt does not lead from its leaf to the root: something in it was changed.")
        )
