"""Receipts: each proves that one signature is in one delivery, by the path from its leaf to the digest.

A receipt holds the statement of the delivery, so that it is checked with nothing else: row and salt give the leaf, leaf
and path give the root, and the statement with this root gives the digest that is printed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _

from campaign.runtime.regular_expressions import linear
from signatures.delivery import frozen_texts, merkle, statement
from signatures.delivery.checker import check
from signatures.delivery.csv_export import COLUMNS, COUNTED
from signatures.models import DeliveryEntry
from signatures.models.delivery import FORMAT

MAX_LENGTH = 200_000  # characters of a receipt: most are the statement, which counts countries, weeks and languages

_DIGEST = linear(r"[0-9a-f]{64}")


class InvalidReceipt(Exception):
    """A receipt does not belong to a delivery; the message is one sentence for its owner."""


def leaf_hash(salt: bytes, row: Sequence[str] | None) -> bytes:
    """Returns the leaf of a row of the CSV, before the formula guard; of None, who is counted only."""
    content = COUNTED.encode() if row is None else statement.canonical(list(row))
    return hashlib.sha256(b"\0" + salt + content).digest()


@dataclass(frozen=True)
class Receipt:
    """The proof that one signature is in one delivery. It holds no words but the signer's own."""

    format: int
    statement: dict[str, Any]
    place: int  # of the leaf, from 0
    row: list[str] | None  # as in the CSV, before the formula guard; None if counted only
    salt: str
    path: list[str]

    def __str__(self) -> str:
        return statement.canonical(asdict(self)).decode()

    @property
    def delivery(self) -> str:
        """The name of the delivery to which it belongs, as its package has it."""
        return f"{self.statement['letter']['slug']}-{self.statement['number']}"

    @property
    def title_language(self) -> str:
        """The language of the letter's title in the statement."""
        texts = ({**text, "digest": text["sha256"]} for text in self.statement["texts"])
        return str(frozen_texts.main_text(texts)["language"])

    @property
    def digest(self) -> str:
        """The digest of the delivery to which it belongs."""
        return statement.digest_of(statement.canonical(self.statement))


def issue(entry: DeliveryEntry) -> Receipt:
    """Returns the receipt of this entry of a delivery that has a statement.

    Raises:
        InvalidReceipt: the receipt would not lead to the digest. It is never handed out.
    """
    delivery = entry.delivery

    def read_block(block: int) -> list[bytes]:
        places = (block * merkle.BLOCK_SIZE, (block + 1) * merkle.BLOCK_SIZE - 1)
        leaves = delivery.rows.filter(place__range=places).order_by("place").values_list("leaf", flat=True)
        return [bytes(leaf) for leaf in leaves]

    claims = delivery.claims
    path = merkle.inclusion_path(entry.place, claims["list"]["leaves"], read_block, bytes(delivery.subtree_roots))
    receipt = Receipt(
        format=FORMAT,
        statement=claims,
        place=entry.place,
        row=csv_cells(entry) if entry.number else None,
        salt=bytes(entry.salt or b"").hex(),
        path=[sibling.hex() for sibling in path],
    )
    verify_receipt(receipt, digest=delivery.digest)
    return receipt


def csv_cells(entry: DeliveryEntry) -> list[str]:
    """Returns the row of the CSV, before the formula guard."""
    day = entry.signed_on.isoformat() if entry.signed_on else ""
    words = [entry.kind, entry.name, entry.role, entry.organization, entry.country]
    return [str(entry.number), *words, day, entry.language, str(entry.revision), entry.source]


def read(text: str, *, digest: str) -> Receipt:
    """Returns the receipt that somebody pasted, of the delivery with this digest.

    Email programs break long lines. Which way they did is not seen in the text: the digest and the path decide.

    Raises:
        InvalidReceipt: the text is no receipt, or it belongs to no such delivery; the message says why.
    """
    first, *others = _readings(text)
    for reading in others:
        with suppress(InvalidReceipt):
            return _belonging(reading, digest)
    return _belonging(first, digest)


def _readings(text: str) -> list[str]:
    """Returns what can have been broken into these lines, each once. No word of a receipt holds a line break itself."""
    lines = text.strip().replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return list(dict.fromkeys(("".join(lines), " ".join(lines), _cut_where_full(lines))))


def _cut_where_full(lines: Sequence[str]) -> str:
    """Returns the text of lines that were broken at spaces, and cut where a word is longer than a line."""
    width = max(map(len, lines))
    parts, word = [lines[0]], len(lines[0].rpartition(" ")[2])  # the length of the last word so far
    for before, line in pairwise(lines):
        is_cut = len(before) == width < word + len(line.partition(" ")[0])
        parts += [line] if is_cut else [" ", line]
        word = len(line.rpartition(" ")[2]) + (word if is_cut and " " not in line else 0)
    return "".join(parts)


def _belonging(text: str, digest: str) -> Receipt:
    receipt = parse(text)
    verify_receipt(receipt, digest=digest)
    return receipt


def parse(text: str) -> Receipt:
    """Returns the receipt that is written in a text.

    Raises:
        InvalidReceipt: the text is no receipt, or one of version 0.9.
    """
    try:
        found = json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_refuse, parse_float=_refuse)
    except (ValueError, RecursionError):
        raise InvalidReceipt(
            _("This is not the whole receipt. It begins with { and ends with }. Please paste all of it.")
        ) from None
    if isinstance(found, dict) and found.get("format") == 1:
        raise InvalidReceipt(
            _(
                "This receipt is of a delivery that version 0.9 of this program made. The program in READ-ME.txt of"
                " its package checks it."
            )
        )
    if not isinstance(found, dict) or set(found) != {field.name for field in fields(Receipt)} or not _has_types(found):
        raise InvalidReceipt(
            _("This does not look like a receipt from this site: something in it is missing or in a different form.")
        )
    return Receipt(**found)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _refuse(_number: str) -> Any:
    raise ValueError


def _has_types(found: dict[str, Any]) -> bool:
    row, path, claims = found["row"], found["path"], found["statement"]
    return (
        found["format"] == FORMAT
        and _is_statement(claims)
        and _is_count(found["place"])
        and (row is None or (_all_text(row) and len(row) == len(COLUMNS)))
        and _all_text(path)
        and len(path) <= 64
        and all(isinstance(digest, str) and _DIGEST.fullmatch(digest) for digest in (found["salt"], *path))
    )


def _is_statement(claims: Any) -> bool:
    """Returns whether it has what a receipt needs of it: where all else is other, so is the digest."""
    signed = claims.get("list") if isinstance(claims, dict) else None
    return (
        isinstance(signed, dict)
        and _is_count(signed.get("leaves"))
        and isinstance(signed.get("root"), str)
        and _DIGEST.fullmatch(signed["root"]) is not None
    )


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**31


def _all_text(cells: Any) -> bool:
    return isinstance(cells, list) and all(isinstance(cell, str) for cell in cells)


def verify_receipt(receipt: Receipt, *, digest: str) -> None:
    """Checks that this receipt belongs to the delivery with this digest.

    Raises:
        InvalidReceipt: it does not; the message says why.
    """
    try:
        if receipt.digest != digest:
            raise InvalidReceipt(
                _("This receipt belongs to another delivery, or its statement was changed: its digest is %(digest)s.")
                % {"digest": receipt.digest}
            )
        leaf = leaf_hash(bytes.fromhex(receipt.salt), receipt.row)
    except (ValueError, RecursionError):  # numbers that no canonical JSON has, half a character
        raise InvalidReceipt(
            _("This does not look like a receipt from this site: something in it is missing or in a different form.")
        ) from None
    path = [bytes.fromhex(sibling) for sibling in receipt.path]
    signed = receipt.statement["list"]
    if check.root_of_path(leaf, receipt.place, signed["leaves"], path) != bytes.fromhex(signed["root"]):
        raise InvalidReceipt(
            _("Words, salt and path of this receipt do not lead to the root in it: one of them was changed.")
        )
