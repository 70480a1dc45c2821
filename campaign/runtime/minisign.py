"""Keys and signatures in the format of minisign (Ed25519), so that `minisign -V` checks what this program signs.

It signs alone: what others signed is checked by the program in the package, `signatures/delivery/checker/check.py`.

A secret key is a file without a password, as `minisign -G -W` makes it: the worker reads it by itself.
"""

import base64
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from nacl.signing import SigningKey

COMMENT = "untrusted comment: "
TRUSTED = "trusted comment: "
_ALGORITHM, _PREHASHED, _NO_PASSWORD, _CHECKSUM = b"Ed", b"ED", b"\0\0", b"B2"
_UNUSED = bytes(32 + 8 + 8)  # salt and limits of a password
_SECRET_SIZE = 2 + 2 + 2 + 48 + 8 + 64 + 32


class WrongKey(ValueError):
    """A key is not what it must be; the message is the second half of a sentence."""


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


def _prehash(content: bytes) -> bytes:
    return hashlib.blake2b(content).digest()


def _checksum(number: bytes, secret: bytes) -> bytes:
    return hashlib.blake2b(_ALGORITHM + number + secret, digest_size=32).digest()


def _decoded(text: str, size: int) -> bytes | None:
    """Returns so many bytes, None unless the text is the one way to write them."""
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return content if len(content) == size and base64.b64encode(content).decode() == text else None
