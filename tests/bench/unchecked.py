"""The site without rate limits and screening, to measure the cost of these checks."""

from typing import Any

from campaign.wsgi import application
from signatures.screening import blocklists, checks, rate_limits

__all__ = ["application"]


def no_limit(_values: Any) -> rate_limits.Verdict:
    return rate_limits.Verdict()


def no_flags(_words: Any, **_more: Any) -> list[str]:
    return []


setattr(rate_limits, "count_event", no_limit)  # noqa: B010  # mypy refuses to replace a function
setattr(checks, "flags", no_flags)  # noqa: B010
setattr(blocklists, "flags", no_flags)  # noqa: B010
