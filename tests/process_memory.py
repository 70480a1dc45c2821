"""What a process of the site keeps in memory, and for how long is a matter of the clock: tests begin without it."""

import logging

from django.core.cache import caches

from campaign.letters import notices, text_cache
from campaign.runtime.logs import LimitingFilter
from campaign.web import health, middleware
from signatures.public_list import frames
from signatures.screening import blocklists, daily_keys, proof_of_work, rate_limits


def forget() -> None:
    """Empties all of it, so that what comes next is read anew."""
    middleware.page_cache.clear()
    health.answers.clear()
    for handler in logging.root.handlers:
        for limit in handler.filters:
            if isinstance(limit, LimitingFilter):
                limit.clear()
    text_cache.clear_cache()
    frames.clear_cache()
    notices.clear_cache()
    rate_limits.clear_cache()
    daily_keys.clear_cache()
    blocklists.clear_cache()
    proof_of_work.clear_cache()
    for each in caches.all(initialized_only=True):
        each.clear()
