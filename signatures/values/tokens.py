"""Personal links: signed, never stored. One for each signature, for confirming and for everything after."""

import uuid

from django.core import signing

_signer = signing.Signer(salt="signatures.personal-link", sep=".", algorithm="sha256")
_leaving = signing.Signer(salt="signatures.no-updates", sep=".", algorithm="sha256")


class InvalidToken(Exception):
    """The link is cut off, altered or made up."""


def personal_token(public_id: uuid.UUID) -> str:
    """The last part of a personal link: the id and 256 bits of HMAC with SECRET_KEY."""
    return _signer.sign(public_id.hex)


def unsubscribe_token(public_id: uuid.UUID) -> str:
    """For the header of a mail, which the mail's providers read: whoever holds it can end the updates, and no more."""
    return _leaving.sign(public_id.hex)


def read_unsubscribe_token(token: str) -> uuid.UUID:
    """Whose updates this ends.

    Raises:
        Broken: when it was not made here.
    """
    return _read(_leaving, token)


def read_personal_token(token: str) -> uuid.UUID:
    """Whose link this is.

    Raises:
        Broken: when it was not made here.
    """
    return _read(_signer, token)


def _read(signer: signing.Signer, token: str) -> uuid.UUID:
    try:
        return uuid.UUID(hex=signer.unsign(token))
    except (signing.BadSignature, ValueError):
        raise InvalidToken from None
