"""What is recorded about a hand-over, and the days on which a step of a delivery can have been."""

from datetime import date
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format

from signatures.models import Delivery
from signatures.transitions import TransitionNotAllowed

# The column of each argument of `freezing.hand_over`, in the order in which a page shows them.
COLUMNS = {"on": "handed_over_on", "to": "handed_over_to", "at": "handed_over_at", "note": "note"}


def recorded(delivery: Delivery) -> dict[str, str]:
    """Returns what is recorded about the hand-over, by the arguments of `freezing.hand_over`."""
    return {name: str(getattr(delivery, column)) for name, column in COLUMNS.items()}


def require_day_of_hand_over(delivery: Delivery, day: date) -> None:
    """Raises TransitionNotAllowed if a delivery cannot have been handed over on this day, by its letter's time zone."""
    zone = ZoneInfo(delivery.letter.time_zone)
    _require_between(day, "frozen", timezone.localdate(delivery.frozen_at, zone), zone)
    if delivery.acknowledged_on and day > delivery.acknowledged_on:
        raise TransitionNotAllowed(f"It was acknowledged on {date_format(delivery.acknowledged_on)}, before this day.")


def require_day_of_acknowledgment(delivery: Delivery, day: date) -> None:
    """Raises TransitionNotAllowed if what was handed over cannot have been acknowledged on this day."""
    if delivery.handed_over_on:
        _require_between(day, "handed over", delivery.handed_over_on, ZoneInfo(delivery.letter.time_zone))


def _require_between(day: date, before: str, first: date, zone: ZoneInfo) -> None:
    if day > timezone.localdate(timezone=zone):
        raise TransitionNotAllowed("This day is still to come.")
    if day < first:
        raise TransitionNotAllowed(f"It was {before} on {date_format(first)}, after this day.")
