"""The key with which statements and lists of files are signed. The worker alone reads it."""

from pathlib import Path

from django.conf import settings

from campaign.runtime import minisign


class WrongSigningKey(Exception):
    """The key file cannot be used. The message is one sentence for the operator."""


def load() -> minisign.SecretKey | None:
    """Returns the key of DELIVERY_SIGNING_KEY_FILE; None where none is set.

    Raises:
        WrongSigningKey: the file cannot be read, or holds no such key.
    """
    if not (file := settings.DELIVERY_SIGNING_KEY_FILE):
        return None
    try:
        return minisign.SecretKey.read(Path(file))
    except OSError as error:
        raise WrongSigningKey(f"DELIVERY_SIGNING_KEY_FILE cannot be read: {error.strerror}.") from None
    except minisign.WrongKey as error:
        raise WrongSigningKey(f"DELIVERY_SIGNING_KEY_FILE is wrong: {error}.") from None
