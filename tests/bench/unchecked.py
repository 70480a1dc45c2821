"""The site with limits and suspicion switched off: what the checks cost is measured against it."""

from typing import Any

from campaign.wsgi import application
from signatures.screening import blocklists, checks, rate_limits

__all__ = ["application"]


def nothing_is_too_much(_values: Any) -> rate_limits.Verdict:
    return rate_limits.Verdict()


def nobody_is_suspect(_words: Any, **_more: Any) -> list[str]:
    return []


rate_limits.count_event = nothing_is_too_much
checks.flags = nobody_is_suspect
blocklists.flags = nobody_is_suspect
