"""The site without rate limits and screening, to measure the cost of these checks."""

from collections.abc import Mapping
from typing import Any

from campaign.asgi import application
from signatures.screening import blocklists, checks, rate_limits

__all__ = ["application"]


def no_limit(values: Mapping[str, str]) -> rate_limits.Verdict:
    return rate_limits.Verdict()


def no_flags(typed: Mapping[str, str], **more: Any) -> list[str]:
    return []


rate_limits.count_event = no_limit
checks.flags = no_flags
blocklists.flags = no_flags
