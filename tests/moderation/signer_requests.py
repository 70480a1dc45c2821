"""A request of a signer, as staff type it."""

from typing import Any

from signatures.registries.requests import Channel

WHY: dict[str, Any] = {"reason": "Her mailbox is gone; she showed her passport", "channel": Channel.IN_PERSON}
CORRECTED = {"name": "Ada King", "spokesperson": "", "role": "Countess", "organization": "Analytical Society"}
