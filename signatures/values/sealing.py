"""Keyed hashes of email addresses, sealed boxes that only the holder of a private key can open, and derived keys."""

import hashlib
import hmac
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from uuid import UUID

from nacl.encoding import HexEncoder
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from signatures.values.email_addresses import abuse_key, canonical, is_made_up

HIDDEN_VERSION = 5  # of a UUID: made of a name
PADDED_LENGTH = 256  # bytes, so that all sealed addresses have the same length (threat model R3)


class CannotUnseal(Exception):
    """A sealed address was sealed with another key. The message holds nothing of its content."""


def address_hash(address: str, *, pepper: str) -> bytes:
    """Returns the HMAC-SHA256 of the canonical address, 32 bytes. Without the pepper nobody can find the address."""
    return hmac.digest(pepper.encode(), canonical(address).encode(), hashlib.sha256)


def mailbox_hash(address: str, *, letter_id: int, pepper: str) -> str:
    """Returns the keyed hash of the mailbox that an address may be a spelling of, under one letter: 16 hex digits."""
    value = f"mailbox {letter_id} {abuse_key(address)}"
    return hmac.digest(pepper.encode(), value.encode(), hashlib.sha256)[:8].hex()


def caps_hash(address: str, *, letter_id: int, pepper: str) -> str:
    """Returns the keyed hash under which emails to a mailbox about one letter are capped: 16 hex digits.

    Addresses that can be made up without end have one of their own, so that they hold back no email to the others.
    """
    value = f"caps {letter_id} {abuse_key(address)} {is_made_up(canonical(address))}"
    return hmac.digest(pepper.encode(), value.encode(), hashlib.sha256)[:8].hex()


def address_key(address: str, *, letter_id: int, pepper: str) -> str:
    """Returns the keyed hash of an address under one letter: 16 hex digits. What reaches the same mailbox shares it."""
    value = f"address {letter_id} {canonical(address)}"
    return hmac.digest(pepper.encode(), value.encode(), hashlib.sha256)[:8].hex()


def domain_hash(domain: str, *, pepper: str) -> str:
    """Returns the keyed hash of an email domain, 16 hexadecimal digits."""
    return hmac.digest(pepper.encode(), f"domain {domain}".encode(), hashlib.sha256)[:8].hex()


def words_digest(words: str, *, pepper: str) -> str:
    """Returns the keyed digest by which words are known again that are kept nowhere, 16 hexadecimal digits."""
    return hmac.digest(pepper.encode(), f"words {words}".encode(), hashlib.sha256)[:8].hex()


def hidden_id(public_id: UUID, *, pepper: str) -> UUID:
    """Returns the keyed hash of a public id, as a UUID of version 5, which none is. A hidden one stays as it is."""
    if public_id.version == HIDDEN_VERSION:
        return public_id
    digest = hmac.digest(pepper.encode(), b"public id " + public_id.bytes, hashlib.sha256)
    return UUID(bytes=digest[:16], version=HIDDEN_VERSION)


def pepper_fingerprint(pepper: str) -> bytes:
    """Returns 32 bytes by which a pepper is known again. They tell nothing of one that cannot be guessed."""
    return hmac.digest(pepper.encode(), b"fingerprint", hashlib.sha256)


def seal(address: str, *, public_key: str) -> bytes:
    """Returns the address encrypted to a public key (Curve25519, hex)."""
    plain = address.encode()
    return _box(public_key).encrypt(plain + b"\0" * (PADDED_LENGTH - len(plain)))


def unseal(sealed: bytes | memoryview, *, private_keys: Iterable[PrivateKey]) -> str:
    """Returns the address from a sealed box, opened with whichever key fits.

    Raises:
        CannotUnseal: when it was sealed with another key.
    """
    for private_key in private_keys:
        with suppress(CryptoError):
            return SealedBox(private_key).decrypt(bytes(sealed)).rstrip(b"\0").decode()
    raise CannotUnseal


def read_private_keys(file: Path) -> list[PrivateKey]:
    """Reads the private halves of key pairs: 64 hexadecimal digits a line. Former keys stay, to open what they sealed.

    Raises:
        OSError: when the file cannot be read.
        ValueError: when it does not hold such keys.
    """
    try:
        return [PrivateKey(line.encode(), HexEncoder) for line in file.read_text().split()]
    except (TypeError, ValueError):  # of another length, or not hexadecimal
        raise ValueError("the file must hold 64 hexadecimal digits a line") from None


def lacks_key(private_keys: Iterable[PrivateKey], public_keys: Iterable[str]) -> bool:
    """Returns whether the private half of one of the public keys (hex) is missing."""
    opened = {key.public_key.encode(HexEncoder).decode() for key in private_keys}
    return not opened.issuperset(key.lower() for key in public_keys)


def derived_key(purpose: bytes, *, secret: str) -> bytes:
    """Returns 256 bits for one purpose, of at most 16 bytes. Without the secret nobody can compute them."""
    return hashlib.blake2b(secret.encode(), digest_size=32, person=purpose).digest()


@cache
def _box(public_key: str) -> SealedBox[PublicKey]:
    return SealedBox(PublicKey(public_key.encode(), HexEncoder))
