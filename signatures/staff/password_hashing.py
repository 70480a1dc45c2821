"""Hashing of passwords, in few threads at a time: each hash takes 100 MB of memory (threat model A15)."""

import threading
from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher

MAX_PARALLEL = 2  # hashes in one process; the others wait

_slots = threading.BoundedSemaphore(MAX_PARALLEL)


class BoundedArgon2Hasher(Argon2PasswordHasher):
    """Django's Argon2, and the same hashes, for everything that hashes: logins, new passwords, unknown accounts."""

    def encode(self, password: str, salt: Any) -> str:
        with _slots:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _slots:
            return super().verify(password, encoded)
