"""Checks what was made with the checker that recipients have, before anything of it is stored.

A checker that grew stricter, or a kind of list that nobody thought of, is then a failed build that staff see, and not a
package that is called forged after it was handed over.
"""

import hashlib
import io
import logging
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

from signatures.delivery.checker import check
from signatures.models import Delivery, DeliveryEdition

log = logging.getLogger(__name__)


class NotWhole(Exception):
    """The checker refuses what was made. The message has its sentences."""


def require_whole_statement(content: bytes) -> None:
    """Raises NotWhole if a statement that was just made is not written as it must be, or contradicts itself."""
    try:
        claims = check.read_canonical(content, check.STATEMENT, check.FORM_OF_STATEMENT)
        _refuse(list(check.check_statement(claims, check.STATEMENT)))
    except check.Fault as fault:
        raise NotWhole(str(fault)) from None


def fault_of_countersignature(statement: bytes, signature: bytes, key: str) -> str:
    """Returns why the checker refuses it as an auditor's signature with this public key; nothing where it does not."""
    parts = {check.STATEMENT: _part(statement), check.COUNTERSIGNATURE: _part(signature)}
    # Without any key it would be compared with none, and accepted.
    return _first(check.check_countersignature(parts, key or "none", []))


def fault_of_time_stamp(statement: bytes, reply: bytes) -> str:
    """Returns why the checker refuses it as the time stamp of this statement; nothing where it does not."""
    parts = {check.STATEMENT: _part(statement), check.TIME_STAMP: _part(reply)}
    return _first(check.check_time_stamp(parts, []))


def _part(content: bytes) -> check.Part:
    return check.Part(lambda: nullcontext(io.BytesIO(content)), 0, len(content), hashlib.sha256(content).hexdigest())


def _first(faults: Iterator[str]) -> str:
    try:
        return next(faults, "")
    except check.Fault as fault:
        return str(fault)


def require_whole(
    packed: Path, delivery: Delivery, edition: DeliveryEdition, on_progress: Callable[[int, int], object]
) -> None:
    """Checks all of a package: 7 s for each million signatures, in bounded memory.

    A package that was stored before, and whose statement is refused, is made anew all the same: the statement cannot be
    another one, and somebody who is erased has to leave the files.

    Args:
        packed: the finished package.
        delivery: with its statement.
        edition: with the digest of its files.json.
        on_progress: gets the bytes done and all bytes.

    Raises:
        NotWhole: the checker refuses it.
    """
    size, done = 2 * packed.stat().st_size, 0

    def progress(read: int) -> None:
        nonlocal done
        done += read
        on_progress(done, size)

    auditor_key = delivery.auditor_key if check.COUNTERSIGNATURE in edition.files else ""
    expected = check.Expected(digest=delivery.digest, edition=edition.digest, auditor_key=auditor_key)
    result = check.check(packed, expected, progress)
    is_stored = delivery.state != Delivery.State.FROZEN
    if is_stored and result.faults and list(check.check_statement(delivery.claims, check.STATEMENT)):
        log.warning("%s is made anew and is not whole: its statement is refused", delivery)
        return
    _refuse(result.faults)


def _refuse(faults: list[str]) -> None:
    if faults:
        raise NotWhole(" ".join(faults))
