"""Mail addresses: one canonical form, the keyed hash that finds a mailbox again, and sealing."""

import hashlib
import hmac
import unicodedata
from functools import cache
from pathlib import Path

from email_validator import EmailNotValidError, validate_email
from nacl.encoding import HexEncoder
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

LONGEST = 254
PADDED = 256  # every sealed address is as long as every other (SECURITY.md R3)


class NotAnAddress(ValueError):
    """No mail can be sent to what was typed."""


class CannotOpen(Exception):
    """A sealed address does not fit this key. Says nothing of its content."""


def check(typed: str) -> str:
    """The address as typed, once it is one.

    Raises:
        NotAnAddress: when it is none (no look-up in the DNS is made).
    """
    try:
        return validate_email(typed.strip(), check_deliverability=False, strict=True).original.strip()
    except EmailNotValidError:
        raise NotAnAddress from None


def canonical(address: str) -> str:
    """The form by which two spellings of one mailbox are equal: compatibility characters folded, IDN as ASCII."""
    local, _at, domain = unicodedata.normalize("NFKC", address.strip()).rpartition("@")
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError:
        domain = domain.casefold()
    return f"{unicodedata.normalize('NFKC', local.casefold())}@{domain.lower()}"


def key(address: str, *, pepper: str) -> bytes:
    """HMAC-SHA256 of the canonical address: 32 bytes that say nothing without the pepper."""
    return hmac.digest(pepper.encode(), canonical(address).encode(), hashlib.sha256)


def seal(address: str, *, public_key: str) -> bytes:
    """The address for the eyes of whoever holds the private half of this key (Curve25519, hex)."""
    plain = address.encode()
    return _box(public_key).encrypt(plain + b"\0" * (PADDED - len(plain)))


def unseal(sealed: bytes | memoryview, *, private_key: PrivateKey) -> str:
    """The address in a sealed box.

    Raises:
        CannotOpen: when the box was sealed to another key.
    """
    try:
        return SealedBox(private_key).decrypt(bytes(sealed)).rstrip(b"\0").decode()
    except CryptoError:
        raise CannotOpen from None


def read_private_key(file: Path) -> PrivateKey:
    """The private half of a key pair, as `campaign.keys` writes it: 64 hex digits."""
    return PrivateKey(file.read_text().strip().encode(), HexEncoder)


@cache
def _box(public_key: str) -> SealedBox[PublicKey]:
    return SealedBox(PublicKey(public_key.encode(), HexEncoder))
