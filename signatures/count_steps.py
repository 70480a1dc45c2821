"""Steps of time in which public numbers and lists change, so that no change tells whose action it was (S38)."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from campaign.runtime.replica import MAX_LAG_SECONDS

REPLICA_DELAY = timedelta(seconds=2 * MAX_LAG_SECONDS)
AT_ONCE = datetime.max.replace(tzinfo=UTC)


def last_step() -> datetime:
    """Returns the newest moment at which public counts changed: what counts from then, or earlier, is public.

    Steps are whole multiples of `COUNT_STEP_MINUTES`, so that all processes change at the same moment without talking
    to each other. With 0 minutes everything is public at once.
    """
    if not settings.COUNT_STEP_MINUTES:
        return AT_ONCE
    # What counts from a step has reached a replica that may be read.
    now = timezone.now() - REPLICA_DELAY * bool(settings.REPLICA_URL)
    return now - (now - datetime.min.replace(tzinfo=UTC)) % timedelta(minutes=settings.COUNT_STEP_MINUTES)


def is_reached(column: str) -> Q:
    """Returns the condition that a row is public since the last step. One without a time always was."""
    return Q(**{column: None}) | Q(**{f"{column}__lte": last_step()})
