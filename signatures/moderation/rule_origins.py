"""Origins: the proof that a condition by digest was chosen by a button on the page of a signature (threat model A17).

Email domains and networks are stored as digests. Whoever could type one, and count what it matches, would learn where
a signer's email is. So a rule takes such a condition only from a signature that its author has opened, which the audit
log records.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.core import signing

SALT = "signatures.bulk-rule-origin"
MAX_AGE_SECONDS = 60 * 60


class OriginKind(StrEnum):
    DOMAIN = "domain"
    NETWORK = "network"
    MAILBOX = "mailbox"


class InvalidOrigin(Exception):
    """The proof is made up, too old, or was made for somebody else."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a rule compares, and the id of the signature that it is taken from."""

    kind: OriginKind
    signature_id: int

    def sign(self, *, by: int) -> str:
        """Returns a proof that this member of staff (an account id) can use for an hour."""
        return signing.dumps([self.kind, self.signature_id, by], salt=SALT)


def read_origin(proof: str, *, by: int) -> Origin:
    """Returns the origin that a proof is for.

    Raises:
        InvalidOrigin: when this site did not make it for this member of staff within the last hour.
    """
    try:
        kind, signature_id, maker = signing.loads(proof, salt=SALT, max_age=MAX_AGE_SECONDS)
    except signing.BadSignature:
        raise InvalidOrigin from None
    if maker != by:
        raise InvalidOrigin
    return Origin(OriginKind(kind), signature_id)
