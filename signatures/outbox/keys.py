"""The private halves of the outbox keys, which the worker alone reads."""

from pathlib import Path

from django.conf import settings

from signatures.values import sealing


class WrongKeys(Exception):
    """The worker could not open what the web server seals. The message is one sentence for the operator."""


def require() -> None:
    """Does nothing when the worker can open what the web server seals.

    Raises:
        WrongKeys: when it cannot.
    """
    if not (file := settings.OUTBOX_PRIVATE_KEY_FILE):
        raise WrongKeys("OUTBOX_PRIVATE_KEY_FILE is missing: the worker cannot read the recipients of emails.")
    try:
        private_keys = sealing.read_private_keys(Path(file))
    except OSError as error:
        raise WrongKeys(f"OUTBOX_PRIVATE_KEY_FILE cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise WrongKeys(f"OUTBOX_PRIVATE_KEY_FILE is wrong: {error}.") from None
    if sealing.lacks_key(private_keys, settings.OUTBOX_PUBLIC_KEYS):
        raise WrongKeys("OUTBOX_PRIVATE_KEY_FILE lacks the private half of a key in OUTBOX_PUBLIC_KEY.")
