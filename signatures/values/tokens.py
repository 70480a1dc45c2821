"""Tokens of personal links: signed, never stored. Each signature has one for confirming and everything after it."""

import uuid

from django.core import signing


class InvalidToken(Exception):
    """The token is cut off, altered or made up."""


class _Tokens(signing.Signer):
    """Tokens for one purpose: the public id of a signature, and 256 bits of HMAC with SECRET_KEY."""

    def __init__(self, salt: str) -> None:
        super().__init__(salt=salt, sep=".", algorithm="sha256")

    def make(self, public_id: uuid.UUID) -> str:
        return self.sign(public_id.hex)

    def read(self, token: str) -> uuid.UUID:
        """Returns the public id of the signature that a token belongs to.

        Raises:
            InvalidToken: when this site did not make it.
        """
        try:
            return uuid.UUID(hex=self.unsign(token))
        except (signing.BadSignature, ValueError):
            raise InvalidToken from None


_personal = _Tokens("signatures.personal-link")
personal_token, read_personal_token = _personal.make, _personal.read  # the last part of a personal link

# For the unsubscribe header of an email: email providers read that header, so this token only ends the updates.
_unsubscribe = _Tokens("signatures.no-updates")
unsubscribe_token, read_unsubscribe_token = _unsubscribe.make, _unsubscribe.read
