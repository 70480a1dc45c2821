"""A security key in Python: it answers as a browser does, and can be told to do it wrong."""

import hashlib
import json
import secrets
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

ORIGIN = "http://localhost:8000"


def to_text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


class Authenticator:
    """One passkey. `counter` is what it reports at its next use."""

    def __init__(self, origin: str = ORIGIN, rp_id: str = "localhost") -> None:
        self.origin, self.rp_id = origin, rp_id
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(32)
        self.counter = 0

    def create(self, options: dict[str, Any]) -> str:
        numbers = self.key.public_key().public_numbers()
        point = {-1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        public_key = cbor2.dumps({1: 2, 3: -7, **point})
        attested = bytes(16) + struct.pack(">H", len(self.id)) + self.id + public_key
        data = {"fmt": "none", "attStmt": {}, "authData": self._data(0x41) + attested}
        return self._answer({"attestationObject": to_text(cbor2.dumps(data))}, self._client(options, "create"))

    def get(self, options: dict[str, Any]) -> str:
        client, data = self._client(options, "get"), self._data(0x01)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer({"authenticatorData": to_text(data), "signature": to_text(signature)}, client)

    def _client(self, options: dict[str, Any], what: str) -> bytes:
        challenge = to_text(urlsafe_b64decode(options["challenge"] + "=="))
        return json.dumps({"type": f"webauthn.{what}", "challenge": challenge, "origin": self.origin}).encode()

    def _data(self, flags: int) -> bytes:
        self.counter += 1
        return hashlib.sha256(self.rp_id.encode()).digest() + struct.pack(">BI", flags, self.counter)

    def _answer(self, response: dict[str, str], client: bytes) -> str:
        response = {"clientDataJSON": to_text(client), **response}
        return json.dumps(
            {
                "id": to_text(self.id),
                "rawId": to_text(self.id),
                "type": "public-key",
                "response": response,
                "clientExtensionResults": 3,
            }
        )
