"""Keys and signatures in the format of minisign (Ed25519), so that `minisign -V` checks what this program signs.

A secret key is a file without a password, as `minisign -G -W` makes it: the worker reads it by itself.
"""

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

COMMENT = "untrusted comment: "
TRUSTED = "trusted comment: "
_ALGORITHM, _PREHASHED, _NO_PASSWORD, _CHECKSUM = b"Ed", b"ED", b"\0\0", b"B2"
_UNUSED = bytes(32 + 8 + 8)  # salt and limits of a password
_SECRET_SIZE, _PUBLIC_SIZE, _SIGNATURE_SIZE = 2 + 2 + 2 + 48 + 8 + 64 + 32, 2 + 8 + 32, 2 + 8 + 64


class WrongKey(ValueError):
    """A key or a signature is not what it must be; the message is the second half of a sentence."""


@dataclass(frozen=True)
class SecretKey:
    """A secret key with its number, which minisign shows to people."""

    number: bytes
    key: SigningKey

    @classmethod
    def generate(cls) -> Self:
        return cls(os.urandom(8), SigningKey.generate())

    @classmethod
    def read(cls, file: Path) -> Self:
        """Returns the key in this file.

        Raises:
            OSError: it cannot be read.
            WrongKey: it holds no secret key of minisign without a password.
        """
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        content = _decoded(lines[1] if len(lines) > 1 and lines[0].startswith(COMMENT) else "", _SECRET_SIZE)
        if content is None or content[:2] != _ALGORITHM or content[4:6] != _CHECKSUM:
            raise WrongKey("it is no secret key of minisign")
        if content[2:4] != _NO_PASSWORD:
            raise WrongKey("it has a password; make one without (minisign -G -W)")
        number, secret, checksum = content[54:62], content[62:126], content[126:]
        key = SigningKey(secret[:32])
        is_sum = checksum in {_checksum(number, secret), bytes(32)}  # minisign writes none without a password
        if not is_sum or bytes(key.verify_key) != secret[32:]:
            raise WrongKey("it is damaged")
        return cls(number, key)

    def __str__(self) -> str:
        """Returns the content of its file, without the last line end."""
        secret = bytes(self.key) + bytes(self.key.verify_key)
        head = _ALGORITHM + _NO_PASSWORD + _CHECKSUM + _UNUSED
        content = head + self.number + secret + _checksum(self.number, secret)
        return f"{COMMENT}minisign secret key\n{base64.b64encode(content).decode()}"

    @property
    def public(self) -> str:
        """The public key, as `minisign -P` takes it."""
        return base64.b64encode(_ALGORITHM + self.number + bytes(self.key.verify_key)).decode()

    def sign(self, content: bytes, *, name: str, timestamp: int) -> str:
        """Returns the signature file of a file: the same bytes whenever it is signed.

        Args:
            content: of the file.
            name: of the file.
            timestamp: in seconds since 1970.
        """
        signature = self.key.sign(_prehash(content)).signature
        trusted = f"timestamp:{timestamp}\tfile:{name}\tprehashed"
        over_all = self.key.sign(signature + trusted.encode()).signature
        first = base64.b64encode(_PREHASHED + self.number + signature).decode()
        return (
            f"{COMMENT}signature from minisign secret key\n{first}\n"
            f"{TRUSTED}{trusted}\n{base64.b64encode(over_all).decode()}\n"
        )


def verify(content: bytes, signature: str, public: str) -> None:
    """Does nothing if this is the signature of the content by the public key.

    Raises:
        WrongKey: it is not.
    """
    key, lines = _decoded(public.strip(), _PUBLIC_SIZE), signature.splitlines()
    if key is None or key[:2] != _ALGORITHM:
        raise WrongKey("this is no public key of minisign")
    if len(lines) != 4 or not lines[0].startswith(COMMENT) or not lines[2].startswith(TRUSTED):
        raise WrongKey("this is no signature of minisign")
    first, over_all = _decoded(lines[1], _SIGNATURE_SIZE), _decoded(lines[3], 64)
    if first is None or over_all is None or first[:2] != _PREHASHED:
        raise WrongKey("this is no prehashed signature of minisign (one that was made without -l)")
    if first[2:10] != key[2:10]:
        raise WrongKey("it was made with another key")
    verify_key = VerifyKey(key[10:])
    try:
        verify_key.verify(_prehash(content), first[10:])
        verify_key.verify(first[10:] + lines[2].removeprefix(TRUSTED).encode(), over_all)
    except BadSignatureError:
        raise WrongKey("it is not the signature of this file by this key") from None


def _prehash(content: bytes) -> bytes:
    return hashlib.blake2b(content).digest()


def _checksum(number: bytes, secret: bytes) -> bytes:
    return hashlib.blake2b(_ALGORITHM + number + secret, digest_size=32).digest()


def _decoded(text: str, size: int) -> bytes | None:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if len(content) == size else None
