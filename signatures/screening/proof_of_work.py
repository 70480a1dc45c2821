"""Proof of work: while staff have switched it on, every browser does some seconds of work before it signs.

The work makes a flood by headless browsers expensive. Nobody is refused: without a solution that this site asked for,
that is not expired and that nobody else has used, a submission gets a flag (threat model S39).
"""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import altcha
from django.conf import settings
from django.db import connection

from campaign.runtime.expiring_cache import ExpiringCache
from signatures.models import Switch
from signatures.registries import Flag
from signatures.values import sealing

# A browser tries counters from 0 on, each by PBKDF2 with this cost, until it finds the secret one. The browser's own
# code computes PBKDF2, so a script that floods has little advantage over it; and the time has an upper bound, because
# the counter has. 4.5 million rounds on the average take a core of a server 1.5 seconds, and an ordinary phone, which
# is taken to be a third to a half as fast, 3 to 4.5.
COST = 5_000
MIN_COUNTER, MAX_COUNTER = 600, 1_200
MAX_AGE = timedelta(hours=2)  # static/js/proof_of_work.js asks for another challenge after half of it
MAX_LENGTH = 2_000  # characters of a solution; about 700 are usual
CACHE_SECONDS = 10.0  # how long a process keeps the position of the switch

# Whoever uses a solution first may use it again: a double click is no replay. One statement, so that of two who come
# at the same moment one is the first.
_SPEND = """
    INSERT INTO signatures_spentproof (nonce, address_hash, until) VALUES (%s, %s, %s)
    ON CONFLICT (nonce) DO UPDATE SET nonce = EXCLUDED.nonce
    RETURNING address_hash = %s
"""

_cache = ExpiringCache[None, bool](CACHE_SECONDS)
clear_cache = _cache.clear


def is_on() -> bool:
    """Returns whether every browser is asked for work now. Another process may have changed it seconds ago."""
    return _cache.get_or_load(None, lambda: Switch.objects.is_on(Switch.Code.PROOF_OF_WORK))


def make_challenge(letter_id: int) -> dict[str, Any]:
    """Returns a new challenge, signed and stored nowhere, as the script of the form reads it."""
    challenge = altcha.create_challenge(
        algorithm="PBKDF2/SHA-256",
        cost=COST,
        counter=MIN_COUNTER + secrets.randbelow(MAX_COUNTER - MIN_COUNTER),
        expires_at=datetime.now(UTC) + MAX_AGE,
        data={"letter": letter_id},
        hmac_secret=_key("challenge"),
        hmac_key_secret=_key("solution"),
    )
    return challenge.to_dict()


def flags(proof: str, *, letter_id: int, address: str) -> list[str]:
    """Returns the flag of a submission without proof of work, if any; none while the switch is off.

    Args:
        proof: what the browser sent as its solution; maybe nothing, or anything.
        letter_id: the letter that is signed.
        address: the email address that was typed.
    """
    if not is_on() or _is_proved(proof, letter_id, address):
        return []
    return [Flag.NO_PROOF]


def _is_proved(proof: str, letter_id: int, address: str) -> bool:
    if len(proof) > MAX_LENGTH:
        return False
    if not altcha.verify_solution(proof, _key("challenge"), hmac_key_secret=_key("solution")).verified:
        return False
    parameters = altcha.Payload.from_base64(proof).challenge.parameters
    return parameters.data == {"letter": letter_id} and _spend(parameters, address)


def _spend(parameters: altcha.ChallengeParameters, address: str) -> bool:
    """Uses a solution. Returns whether it was unused, or used by the same address before."""
    sender = sealing.address_hash(address, pepper=settings.EMAIL_HASH_PEPPER)
    until = datetime.fromtimestamp(parameters.expires_at or 0, UTC)
    with connection.cursor() as cursor:
        cursor.execute(_SPEND, [bytes.fromhex(parameters.nonce), sender, until, sender])
        return bool(cursor.fetchone()[0])


def _key(purpose: str) -> bytes:
    name = f"signatures.screening.proof_of_work {purpose}"
    return hmac.digest(settings.SECRET_KEY.encode(), name.encode(), hashlib.sha256)
