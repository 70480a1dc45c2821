"""Tokens of personal links: signed, never stored. Each signature has one for confirming and everything after it."""

import uuid

from django.core import signing

_personal = signing.Signer(salt="signatures.personal-link", sep=".", algorithm="sha256")
_unsubscribe = signing.Signer(salt="signatures.no-updates", sep=".", algorithm="sha256")


class InvalidToken(Exception):
    """The token is cut off, altered or made up."""


def personal_token(public_id: uuid.UUID) -> str:
    """Returns the last part of a personal link: the id and 256 bits of HMAC with SECRET_KEY."""
    return _personal.sign(public_id.hex)


def unsubscribe_token(public_id: uuid.UUID) -> str:
    """Returns the token for the unsubscribe header of an email.

    Email providers read that header, so this token only ends the updates.
    """
    return _unsubscribe.sign(public_id.hex)


def read_personal_token(token: str) -> uuid.UUID:
    """Returns the public id of the signature that a personal link belongs to.

    Raises:
        InvalidToken: when this site did not make it.
    """
    return _read(_personal, token)


def read_unsubscribe_token(token: str) -> uuid.UUID:
    """Returns the public id of the signature whose updates the token ends.

    Raises:
        InvalidToken: when this site did not make it.
    """
    return _read(_unsubscribe, token)


def _read(signer: signing.Signer, token: str) -> uuid.UUID:
    try:
        return uuid.UUID(hex=signer.unsign(token))
    except (signing.BadSignature, ValueError):
        raise InvalidToken from None
