"""The places of a mailbox: how many people may sign from one, and when two signatures may be of one person."""

from collections.abc import Sequence

from campaign.runtime.locks import AdvisoryLock, transaction_lock
from signatures.models import Signature
from signatures.models.signer_columns import SignerColumns
from signatures.transitions import TransitionNotAllowed
from signatures.values.normalization import name_key


class NoPlace(TransitionNotAllowed):
    """The mailbox has signed under this name, or all its places are taken. Holds the signatures in the way."""

    def __init__(self, standing: Sequence[Signature]) -> None:
        super().__init__("This mailbox has signed already.")
        self.standing = standing


def lock_mailbox(row: SignerColumns) -> None:
    """Lock the mailbox of a row until the transaction ends, so that nothing takes or renames a place meanwhile.

    Lock it before the row: whoever needs several locks takes those of mailbox, submission and signature in this order.
    """
    if row.address_hash is not None:
        transaction_lock(*lock_of(row))


def lock_of(row: SignerColumns) -> tuple[AdvisoryLock, int]:
    """Returns the advisory lock of the mailbox of a row, and its key. A submission always has a mailbox."""
    return AdvisoryLock.MAILBOX_PLACES, int.from_bytes(bytes(row.address_hash or b"")[:4]) >> 1


def standing(row: SignerColumns, kind: str) -> list[Signature]:
    """Returns what else the mailbox of a row has signed as this kind, and not withdrawn.

    The signature that a submission became meanwhile keeps its number, and is not in its own way.
    """
    return list(Signature.objects.of_mailbox(row).standing().filter(kind=kind).exclude(pk=row.pk))


def in_the_way(standing: Sequence[Signature], name: str, places: int) -> list[Signature]:
    """Returns the signatures of a mailbox because of which nobody may sign under this name as well.

    That is the one with the same name, or all of them when no place is left. Without a name nobody can tell whether two
    are one person, so a signature that is counted only is taken for the same.
    """
    namesakes = [signature for signature in standing if _may_be_one_person(signature.name, name)]
    return namesakes or (list(standing) if len(standing) >= places else [])


def has_place(standing: Sequence[Signature], places: int) -> bool:
    """Returns whether another person may sign from a mailbox: a place is left, and all that stands has a name."""
    return all(signature.name for signature in standing) and len(standing) < places


def _may_be_one_person(name: str, other: str) -> bool:
    return not name or not other or (name_key(name) or name.casefold()) == (name_key(other) or other.casefold())


def check_name(locked: Signature, name: str) -> None:
    """Check that two people of one mailbox do not become one, and are not counted twice, by a new name.

    Raises:
        NoPlace: when another signature of the mailbox has this name.
    """
    if name in {"", locked.name}:  # two people are still two when one takes the name away
        return
    others = [row for row in standing(locked, locked.kind) if row.name]
    if namesakes := in_the_way(others, name, Signature.MAX_PLACES):
        raise NoPlace(namesakes)
